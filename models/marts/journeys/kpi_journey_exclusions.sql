with

exclusions as (

    select * from {{ ref('fct_journey_exclusions') }}

),

kpi_journey_exclusions as (

    select
        {{ key_of(['journey', 'version', 'occurred_date', 'reason']) }} as journey_exclusion_day_id,
        journey,
        version,
        occurred_date as date_day,
        reason,
        count(*) as exclusion_count,
        count(distinct person_id) as person_count,
        {{ rate_columns(
            'goal',
            'sum(case when is_goal_met and is_goal_mature then 1 else 0 end)',
            'sum(case when is_goal_mature then 1 else 0 end)'
        ) }}

    from exclusions
    group by journey, version, occurred_date, reason

)

select * from kpi_journey_exclusions
