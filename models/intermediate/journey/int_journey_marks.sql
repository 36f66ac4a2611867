with

as_of as (

    select * from {{ ref('int_as_of') }}

),

definitions as (

    select
        journey,
        cast(version as bigint) as version,
        rule as role,
        cast(rule_number as bigint) as rule_number,
        name,
        cast(null as bigint) as step_number,
        trigger,
        event_name,
        property,
        property_value,
        stage,
        milestone

    from {{ ref('journey_rules') }}

    union all

    select
        journey,
        cast(version as bigint) as version,
        'step' as role,
        cast(null as bigint) as rule_number,
        step as name,
        cast(step_number as bigint) as step_number,
        'event' as trigger,
        event_name,
        property,
        property_value,
        cast(null as {{ dbt.type_string() }}) as stage,
        cast(null as {{ dbt.type_string() }}) as milestone

    from {{ ref('journey_steps') }}

),

marks as (

    select
        events.person_id,
        definitions.journey,
        definitions.version,
        events.event_id as mark_id,
        definitions.role,
        definitions.rule_number,
        definitions.name,
        definitions.step_number,
        definitions.trigger,
        events.event_id,
        events.occurred_at,
        cast(events.event_priority as bigint) as event_priority,
        events.session_id,
        case
            when events.is_interactive and events.platform is not null then events.platform
            else {{ seed_text('events.touchpoint_type') }}
        end as channel

    from {{ ref('int_events_identified') }} as events
    inner join definitions
        on
            definitions.trigger = 'event'
            and {{ fits_taxonomy('definitions') }}

    {#- a stage and a milestone come of the events of their moment, so they come after them -#}
    {%- for trigger, facts, key, at in [
        ('stage', 'fct_stage_periods', 'stage_period_id', 'started_at'),
        ('milestone', 'fct_milestones', 'person_milestone_id', 'reached_at')
    ] %}

    union all

    select
        {{ trigger }}s.person_id,
        definitions.journey,
        definitions.version,
        '{{ trigger }}|' || {{ trigger }}s.{{ key }} as mark_id,
        definitions.role,
        definitions.rule_number,
        definitions.name,
        definitions.step_number,
        definitions.trigger,
        cast(null as {{ dbt.type_string() }}) as event_id,
        {{ trigger }}s.{{ at }} as occurred_at,
        cast(2147483648 as bigint) as event_priority,
        cast(null as {{ dbt.type_string() }}) as session_id,
        cast(null as {{ dbt.type_string() }}) as channel

    from {{ ref(facts) }} as {{ trigger }}s
    inner join definitions on definitions.trigger = '{{ trigger }}' and {{ trigger }}s.{{ trigger }} = definitions.{{ trigger }}
    {%- endfor %}

),

journey_marks as (

    select
        marks.*,
        cast(dense_rank() over (
            partition by marks.person_id, marks.journey
            order by marks.occurred_at, marks.event_priority, marks.mark_id
        ) as bigint) as place

    from marks
    cross join as_of
    where marks.occurred_at <= as_of.as_of_at

)

select * from journey_marks
