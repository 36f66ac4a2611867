with

entries as (

    select * from {{ ref('int_journey_entries') }}

),

fct_journey_exclusions as (

    select
        {{ key_of(['journey', 'person_id', 'mark_id']) }} as journey_exclusion_id,
        journey,
        version,
        person_id,
        occurred_at,
        {{ local_date('occurred_at') }} as occurred_date,
        entry_name,
        exclusion_reason as reason,
        goal_met_at,
        is_goal_met,
        is_goal_mature

    from entries
    where not is_admitted

)

select * from fct_journey_exclusions
