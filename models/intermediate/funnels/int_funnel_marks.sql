{%- set event_columns = [
    'platform', 'page_host', 'page_path', 'utm_source', 'utm_medium', 'utm_campaign', 'account_id', 'touchpoint_type', 'source_name'
] %}
{%- set unit_id %}
        case funnels.unit
            when 'person' then events.person_id
            when 'session' then events.session_id
            else events.member_of_account_id
        end
{%- endset %}
{%- set held_value %}
        case funnels.held_property
            when '' then ''
            {%- for column in event_columns %}
            when '{{ column }}' then {{ seed_text('events.' ~ column) }}
            {%- endfor %}
            else {{ json_text('events.properties', key_column='funnels.held_property') }}
        end
{%- endset %}
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

-- of rows with one step number any will do, and an event that fits several is there once
roles as (

    select distinct
        events.event_id,
        definitions.funnel,
        definitions.role,
        definitions.step_number

    from events
    inner join definitions on {{ fits_taxonomy('definitions') }}

),

fitting as (

    select
        roles.funnel,
        funnels.step_order,
        {{- unit_id }} as unit_id,
        {{- held_value }} as held_value,
        roles.role,
        roles.step_number,
        events.event_id,
        events.person_id,
        events.occurred_at,
        events.event_priority

    from roles
    inner join funnels on roles.funnel = funnels.funnel
    inner join events on roles.event_id = events.event_id

),

-- in a strict order what fits nothing counts as well: it stands in between
strict_units as (

    select distinct
        funnel,
        unit_id,
        held_value

    from fitting
    where step_order = 'strict' and role = 'step'

),

others as (

    select
        funnels.funnel,
        funnels.step_order,
        {{- unit_id }} as unit_id,
        {{- held_value }} as held_value,
        'other' as role,
        cast(null as bigint) as step_number,
        events.event_id,
        events.person_id,
        events.occurred_at,
        events.event_priority

    from events
    cross join funnels
    where funnels.step_order = 'strict'

),

-- of those alone who have done a step
others_between as (

    select others.*
    from others
    where exists (
        select 1 from strict_units
        where
            strict_units.funnel = others.funnel
            and strict_units.unit_id = others.unit_id
            and strict_units.held_value = others.held_value
    )

),

marks as (

    select * from fitting
    union all
    select * from others_between

),

funnel_marks as (

    select
        funnel,
        step_order,
        unit_id,
        held_value,
        role,
        step_number,
        event_id,
        person_id,
        occurred_at,
        {{ epoch_us('occurred_at') }} as occurred_us,
        event_priority,
        cast(dense_rank() over (
            partition by funnel, unit_id, held_value
            order by occurred_at, event_priority, event_id
        ) as bigint) as place

    from marks
    where unit_id is not null and held_value is not null

)

select * from funnel_marks
