{#
  The moments that retention definitions listen to, for one role (start or return): definition, person_id, occurred_at. A CTE `definitions` has to stand
  before. Local days are all that calendar periods ask for, and person days hold them ready; what rolls asks for the moment itself.
#}
{% macro retention_points(role) %}
    select
        roles.definition,
        days.person_id,
        case roles.event_name when 'any_core' then days.first_core_event_at else days.first_event_at end as occurred_at

    from {{ ref('fct_person_days') }} as days
    inner join {{ ref('retention_events') }} as roles
        on
            roles.role = {{ quoted(role) }}
            and (roles.event_name = 'any_active' or (roles.event_name = 'any_core' and days.core_event_count > 0))
    inner join definitions on roles.definition = definitions.definition and definitions.mode = 'calendar'

    union all

    select
        roles.definition,
        events.person_id,
        events.occurred_at

    from {{ ref('fct_events') }} as events
    inner join {{ ref('retention_events') }} as roles
        on
            roles.role = {{ quoted(role) }}
            and ((roles.event_name = 'any_active' and events.is_interactive) or (roles.event_name = 'any_core' and events.is_core))
    inner join definitions on roles.definition = definitions.definition and definitions.mode = 'rolling'

    union all

    select
        roles.definition,
        events.person_id,
        events.occurred_at

    from {{ ref('fct_events') }} as events
    inner join {{ ref('retention_events') }} as roles
        on
            roles.role = {{ quoted(role) }}
            and events.event_name = roles.event_name
    {%- if role == 'return' %}

    union all

    -- the day's first moment may lie before the start: of the start's own day every moment counts
    select
        roles.definition,
        events.person_id,
        events.occurred_at

    from {{ ref('fct_events') }} as events
    inner join {{ ref('retention_events') }} as roles
        on
            roles.role = {{ quoted(role) }}
            and ((roles.event_name = 'any_active' and events.is_interactive) or (roles.event_name = 'any_core' and events.is_core))
    inner join definitions on roles.definition = definitions.definition and definitions.mode = 'calendar'
    inner join {{ ref('fct_retention_starts') }} as starts
        on
            roles.definition = starts.definition
            and events.person_id = starts.person_id
            and events.occurred_date = {{ local_date('starts.started_at') }}
    {%- endif %}
{% endmacro %}

{# The seed's rows with their numbers as numbers; the length of a rolling period in days (24 h each). #}
{% macro retention_definitions() %}
    select
        definition,
        unit,
        mode,
        cast(max_offset as integer) as max_offset,
        case unit when 'day' then 1 when 'week' then 7 else 30 end as unit_days

    from {{ ref('retention_definitions') }}
{% endmacro %}
