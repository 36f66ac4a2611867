{%- set event_columns = [
    'platform', 'page_host', 'page_path', 'utm_source', 'utm_medium', 'utm_campaign', 'account_id', 'touchpoint_type', 'source_name'
] %}
with

as_of as (

    select * from {{ ref('int_as_of') }}

),

funnels as (

    select
        funnel,
        step_order,
        unit,
        coalesce(held_property, '') as held_property

    from {{ ref('funnels') }}

),

definitions as (

    select
        funnel,
        role,
        cast(step_number as bigint) as step_number,
        event_name,
        property,
        property_value

    from {{ ref('funnel_steps') }}

),

events as (

    select
        events.*,
        accounts.account_id as member_of_account_id

    from {{ ref('int_events_identified') }} as events
    cross join as_of
    left join {{ ref('int_person_accounts') }} as accounts on events.person_id = accounts.person_id
    where events.occurred_at <= as_of.as_of_at

),

fitting as (

    select
        events.event_id,
        definitions.funnel,
        definitions.role,
        definitions.step_number

    from events
    inner join definitions on {{ fits_taxonomy('definitions') }}

    {#- in a strict order what fits nothing counts as well: it stands in between #}

    union all

    select
        events.event_id,
        funnels.funnel,
        'other' as role,
        cast(null as bigint) as step_number

    from events
    inner join funnels on funnels.step_order = 'strict'

),

-- of rows with one step number any will do, and an event that fits several is there once
roles as (

    select distinct
        event_id,
        funnel,
        role,
        step_number

    from fitting

),

marks as (

    select
        roles.funnel,
        funnels.step_order,
        case funnels.unit
            when 'person' then events.person_id
            when 'session' then events.session_id
            else events.member_of_account_id
        end as unit_id,
        case funnels.held_property
            when '' then ''
            {%- for column in event_columns %}
            when '{{ column }}' then {{ seed_text('events.' ~ column) }}
            {%- endfor %}
            else {{ json_text('events.properties', key_column='funnels.held_property') }}
        end as held_value,
        roles.role,
        roles.step_number,
        events.event_id,
        events.person_id,
        events.occurred_at,
        {{ epoch_us('events.occurred_at') }} as occurred_us,
        events.event_priority

    from roles
    inner join funnels on roles.funnel = funnels.funnel
    inner join events on roles.event_id = events.event_id

),

funnel_marks as (

    select
        *,
        cast(dense_rank() over (
            partition by funnel, unit_id, held_value
            order by occurred_us, event_priority, event_id
        ) as bigint) as place

    from marks
    where unit_id is not null and held_value is not null

)

select * from funnel_marks
