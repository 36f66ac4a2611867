with

done as (

    select
        events.person_id,
        steps.flow,
        steps.role,
        steps.step,
        cast(steps.step_number as bigint) as step_number,
        coalesce(cast(steps.is_required as boolean), false) as is_required,
        events.occurred_at

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('onboarding_steps') }} as steps
        on
            {{ fits_taxonomy('steps') }}

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

-- what was done before the start counts for nothing, and does not hide that it was done again after
first_times as (

    select
        done.person_id,
        done.flow,
        done.role,
        done.step,
        done.step_number,
        done.is_required,
        starts.started_at,
        min(done.occurred_at) as occurred_at

    from done
    inner join starts on done.person_id = starts.person_id and done.flow = starts.flow
    where done.occurred_at >= starts.started_at
    group by done.person_id, done.flow, done.role, done.step, done.step_number, done.is_required, starts.started_at

),

fct_onboarding_steps as (

    select
        {{ key_of(['person_id', 'flow', 'role', 'step']) }} as onboarding_step_id,
        person_id,
        flow,
        role,
        step,
        step_number,
        is_required,
        started_at as flow_started_at,
        occurred_at,
        {{ elapsed_seconds('started_at', 'occurred_at') }} as seconds_since_start

    from first_times

)

select * from fct_onboarding_steps
