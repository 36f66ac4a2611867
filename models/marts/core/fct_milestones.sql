with

definitions as (

    select
        milestone,
        trigger,
        event_name,
        cast(milestone_number as bigint) as milestone_number

    from {{ ref('milestones') }}

),

reached as (

    select
        signals.person_id,
        definitions.milestone,
        definitions.milestone_number,
        signals.occurred_at,
        signals.event_priority,
        signals.event_id

    from {{ ref('int_person_signals') }} as signals
    inner join definitions on signals.event_name = definitions.event_name and definitions.trigger = 'event'

    union all

    select
        habits.person_id,
        definitions.milestone,
        definitions.milestone_number,
        habits.occurred_at,
        0 as event_priority,
        cast(null as {{ dbt.type_string() }}) as event_id

    from {{ ref('int_habits_formed') }} as habits
    inner join definitions on definitions.trigger = 'habit'

),

reached_in_order as (

    select
        *,
        row_number() over (
            partition by person_id, milestone
            order by occurred_at, event_priority, event_id
        ) as reach_number

    from reached

),

fct_milestones as (

    select
        {{ key_of(['person_id', 'milestone']) }} as person_milestone_id,
        person_id,
        milestone,
        milestone_number,
        occurred_at as reached_at,
        {{ local_date('occurred_at') }} as reached_date,
        event_id

    from reached_in_order
    where reach_number = 1

)

select * from fct_milestones
