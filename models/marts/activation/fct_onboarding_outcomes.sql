with

facts as (

    select
        *,
        occurred_at <= {{ add_seconds('flow_started_at', 14 * 86400) }} as is_in_time

    from {{ ref('fct_onboarding_steps') }}

),

steps as (

    select
        flow,
        step,
        cast(step_number as bigint) as step_number,
        coalesce(cast(is_required as boolean), false) as is_required

    from (
        select distinct flow, step, step_number, is_required from {{ ref('onboarding_steps') }}
        where role = 'step'
    ) as rows_of_steps

),

starts as (

    -- a flow may have several starts
    select distinct
        person_id,
        flow,
        flow_started_at

    from facts
    where role = 'start'

),

done as (

    select
        person_id,
        flow,
        step,
        seconds_since_start

    from facts
    where role = 'step' and is_in_time

),

-- how long a step took: since the last step done before it, or since the start
done_in_order as (

    select
        *,
        seconds_since_start - coalesce(lag(seconds_since_start) over (
            partition by person_id, flow
            order by seconds_since_start, step
        ), 0) as step_seconds

    from done

),

goals as (

    select distinct
        person_id,
        flow

    from facts
    where role = 'goal' and is_in_time

),

step_results as (

    select
        starts.person_id,
        starts.flow,
        starts.flow_started_at,
        steps.step,
        steps.step_number,
        case when done.step is not null then 1 else 0 end as is_done,
        done.step_seconds,
        case when goals.person_id is not null then 1 else 0 end as has_reached_goal

    from starts
    inner join steps on starts.flow = steps.flow
    left join done_in_order as done
        on
            starts.person_id = done.person_id
            and starts.flow = done.flow
            and steps.step = done.step
    left join goals on starts.person_id = goals.person_id and starts.flow = goals.flow

),

flow_results as (

    select
        starts.person_id,
        starts.flow,
        starts.flow_started_at,
        case
            when sum(case when steps.is_required and done.step is null then 1 else 0 end) = 0 then 1
            else 0
        end as is_done,
        max(case when steps.is_required then done.seconds_since_start end) as flow_seconds,
        max(case when goals.person_id is not null then 1 else 0 end) as has_reached_goal

    from starts
    inner join steps on starts.flow = steps.flow
    left join done
        on
            starts.person_id = done.person_id
            and starts.flow = done.flow
            and steps.step = done.step
    left join goals on starts.person_id = goals.person_id and starts.flow = goals.flow
    group by starts.person_id, starts.flow, starts.flow_started_at

),

fct_onboarding_outcomes as (

    select
        person_id,
        flow,
        flow_started_at,
        step,
        step_number,
        is_done = 1 as is_done,
        step_seconds,
        has_reached_goal = 1 as has_reached_goal

    from step_results

    union all

    select
        person_id,
        flow,
        flow_started_at,
        'all' as step,
        cast(0 as bigint) as step_number,
        is_done = 1 as is_done,
        case when is_done = 1 then flow_seconds end as step_seconds,
        has_reached_goal = 1 as has_reached_goal

    from flow_results

)

select
    {{ key_of(['person_id', 'flow', 'step']) }} as onboarding_outcome_id,
    *

from fct_onboarding_outcomes
