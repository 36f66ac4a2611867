with

as_of as (

    select * from {{ ref('int_as_of') }}

),

funnels as (

    select
        funnel,
        step_order,
        unit,
        restart,
        {{ seed_text('held_property') }} as held_property,
        {{ days_in_us('window_days') }} as window_us

    from {{ ref('funnels') }}

),

reached as (

    select * from {{ ref('int_funnel_reached') }}

),

required_steps as (

    select
        funnel,
        step_number,
        lead(step_number) over (
            partition by funnel
            order by step_number
        ) as next_step_number,
        count(*) over (partition by funnel) as step_count

    from (
        select distinct
            funnel,
            cast(step_number as bigint) as step_number

        from {{ ref('funnel_steps') }}
        where role = 'step' and not coalesce(cast(is_optional as boolean), false)
    ) as steps

),

lengths as (

    select distinct
        funnel,
        step_count

    from required_steps

),

attempts as (

    select
        reached.funnel,
        reached.unit_id,
        reached.held_value,
        reached.start_place,
        reached.start_us,
        reached.start_event_id,
        funnels.step_order,
        funnels.unit,
        funnels.restart,
        funnels.held_property,
        reached.start_us + funnels.window_us as limit_us,
        count(*) as step_count,
        count(*) = lengths.step_count as is_complete,
        max(reached.place) as last_place,
        max(reached.occurred_us) as last_us

    from reached
    inner join funnels on reached.funnel = funnels.funnel
    inner join lengths on reached.funnel = lengths.funnel
    group by
        reached.funnel, reached.unit_id, reached.held_value, reached.start_place, reached.start_us, reached.start_event_id,
        funnels.step_order, funnels.unit, funnels.restart, funnels.held_property, reached.start_us + funnels.window_us, lengths.step_count

),

turns as (

    select
        funnel,
        unit_id,
        held_value,
        start_place as place,
        start_us as at_us,
        case when is_complete then last_place + 1 else 0 end as free_place,
        case when is_complete then start_us else limit_us + 1 end as free_us,
        cast(null as bigint) as cap

    from attempts
    where restart = 'after_end'

),

taken as (

    {{ taken_in_turn('turns', ['funnel', 'unit_id', 'held_value']) | indent(4) }}

),

chosen as (

    select attempts.*
    from attempts
    left join taken
        on
            attempts.funnel = taken.funnel
            and attempts.unit_id = taken.unit_id
            and attempts.held_value = taken.held_value
            and attempts.start_place = taken.place
    where attempts.restart = 'every_start' or taken.place is not null

),

exclusions as (

    select
        funnel,
        unit_id,
        held_value,
        place,
        occurred_us,
        step_number

    from {{ ref('int_funnel_marks') }}
    where role = 'exclusion'

),

-- the first place after which an exclusion counts, and the one before which it does
spans as (

    select
        chosen.funnel,
        chosen.unit_id,
        chosen.held_value,
        chosen.start_place,
        cast(null as bigint) as step_number,
        chosen.start_place as from_place,
        case when chosen.is_complete then chosen.last_place end as to_place,
        chosen.limit_us

    from chosen

    union all

    select
        chosen.funnel,
        chosen.unit_id,
        chosen.held_value,
        chosen.start_place,
        required_steps.step_number,
        reached.place as from_place,
        next_reached.place as to_place,
        chosen.limit_us

    from chosen
    inner join required_steps on chosen.funnel = required_steps.funnel and required_steps.next_step_number is not null
    inner join (select distinct funnel, step_number from exclusions where step_number is not null) as asked
        on required_steps.funnel = asked.funnel and required_steps.step_number = asked.step_number
    inner join reached
        on
            chosen.funnel = reached.funnel
            and chosen.unit_id = reached.unit_id
            and chosen.held_value = reached.held_value
            and chosen.start_place = reached.start_place
            and required_steps.step_number = reached.step_number
    left join reached as next_reached
        on
            chosen.funnel = next_reached.funnel
            and chosen.unit_id = next_reached.unit_id
            and chosen.held_value = next_reached.held_value
            and chosen.start_place = next_reached.start_place
            and required_steps.next_step_number = next_reached.step_number

),

-- only the first exclusion after a span's begin can matter: if that one lies behind its end, all do
next_exclusions as (

    select
        *,
        min(case when is_exclusion = 1 then place end) over (
            partition by funnel, unit_id, held_value, coalesce(step_number, 0)
            order by place
            range between 1 following and unbounded following
        ) as exclusion_place

    from (
        select funnel, unit_id, held_value, step_number, from_place as place, start_place, to_place, limit_us, 0 as is_exclusion from spans

        union all

        select
            funnel,
            unit_id,
            held_value,
            step_number,
            place,
            cast(null as bigint) as start_place,
            cast(null as bigint) as to_place,
            cast(null as bigint) as limit_us,
            1 as is_exclusion
        from exclusions
    ) as points

),

excluded as (

    select distinct
        spans.funnel,
        spans.unit_id,
        spans.held_value,
        spans.start_place

    from next_exclusions as spans
    inner join exclusions
        on
            spans.funnel = exclusions.funnel
            and spans.unit_id = exclusions.unit_id
            and spans.held_value = exclusions.held_value
            and spans.exclusion_place = exclusions.place
    where
        spans.is_exclusion = 0
        and (spans.exclusion_place < spans.to_place or spans.to_place is null)
        and exclusions.occurred_us <= spans.limit_us

),

starts as (

    select distinct
        funnel,
        unit_id,
        held_value,
        place,
        event_priority,
        person_id

    from {{ ref('int_funnel_marks') }}
    where role = 'step'

),

judged as (

    select
        chosen.*,
        starts.event_priority,
        starts.person_id,
        excluded.funnel is not null as is_excluded

    from chosen
    inner join starts
        on
            chosen.funnel = starts.funnel
            and chosen.unit_id = starts.unit_id
            and chosen.held_value = starts.held_value
            and chosen.start_place = starts.place
    left join excluded
        on
            chosen.funnel = excluded.funnel
            and chosen.unit_id = excluded.unit_id
            and chosen.held_value = excluded.held_value
            and chosen.start_place = excluded.start_place

),

ranked as (

    select
        *,
        row_number() over (
            partition by funnel, unit_id
            order by start_us, event_priority, start_event_id
        ) as attempt_number,
        row_number() over (
            partition by funnel, unit_id
            order by
                case when is_excluded then 1 else 0 end,
                case when is_excluded then 0 else step_count end desc,
                start_us, event_priority, start_event_id
        ) as best_rank

    from judged

),

fct_funnel_attempts as (

    select
        {{ key_of(['ranked.funnel', 'ranked.unit_id', 'ranked.held_value', 'ranked.start_event_id']) }} as funnel_attempt_id,
        ranked.funnel,
        ranked.unit,
        ranked.unit_id,
        case when ranked.held_property is not null then ranked.held_value end as held_value,
        case when ranked.unit <> 'account' then ranked.person_id end as person_id,
        case when ranked.unit = 'account' then ranked.unit_id end as account_id,
        ranked.start_event_id,
        {{ from_epoch_us('ranked.start_us') }} as started_at,
        {{ local_date(from_epoch_us('ranked.start_us')) }} as started_date,
        ranked.step_count,
        ranked.is_complete,
        case when ranked.is_complete then {{ from_epoch_us('ranked.last_us') }} end as completed_at,
        ranked.is_excluded,
        ranked.limit_us <= {{ epoch_us('as_of.as_of_at') }} as is_mature,
        cast(ranked.attempt_number as bigint) as attempt_number,
        ranked.attempt_number = 1 as is_first,
        ranked.best_rank = 1 as is_best

    from ranked
    cross join as_of

)

select * from fct_funnel_attempts
