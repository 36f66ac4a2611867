with

done as (

    select
        events.person_id,
        steps.flow,
        steps.role,
        steps.step,
        cast(steps.step_number as bigint) as step_number,
        coalesce(cast(steps.is_required as boolean), false) as is_required,
        min(events.occurred_at) as occurred_at

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('onboarding_steps') }} as steps
        on
            {{ fits_taxonomy('steps') }}
    group by events.person_id, steps.flow, steps.role, steps.step, steps.step_number, steps.is_required

),

-- a flow begins once: with the first of its starts
starts as (

    select
        person_id,
        flow,
        min(occurred_at) as started_at

    from done
    where role = 'start'
    group by person_id, flow

),

fct_onboarding_steps as (

    select
        {{ key_of(['done.person_id', 'done.flow', 'done.role', 'done.step']) }} as onboarding_step_id,
        done.person_id,
        done.flow,
        done.role,
        done.step,
        done.step_number,
        done.is_required,
        starts.started_at as flow_started_at,
        done.occurred_at,
        {{ elapsed_seconds('starts.started_at', 'done.occurred_at') }} as seconds_since_start

    from done
    inner join starts on done.person_id = starts.person_id and done.flow = starts.flow
    where done.occurred_at >= starts.started_at

)

select * from fct_onboarding_steps
