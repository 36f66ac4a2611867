with

as_of as (

    select * from {{ ref('int_as_of') }}

),

chosen as (

    select attempts.*
    from {{ ref('int_funnel_attempts') }} as attempts
    left join {{ ref('int_funnel_admissions') }} as taken
        on
            attempts.funnel = taken.funnel
            and attempts.unit_id = taken.unit_id
            and attempts.held_value = taken.held_value
            and attempts.start_place = taken.place
    where attempts.restart = 'every_start' or taken.place is not null

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
    left join {{ ref('int_funnel_attempts_excluded') }} as excluded
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
                case when is_excluded then 0 else step_count end desc,
                start_us asc,
                event_priority asc,
                start_event_id asc
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
