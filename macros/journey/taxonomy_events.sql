{# Does an event (alias `events`, with `properties`) fit a taxonomy row (columns event_name, property, property_value)? A row without property asks for the name alone. #}
{% macro fits_taxonomy(seed_alias) -%}
events.event_name = {{ seed_alias }}.event_name
            and (
                coalesce({{ seed_alias }}.property, '') = ''
                or {{ json_text('events.properties', key_column=seed_alias ~ '.property') }} = {{ seed_alias }}.property_value
            )
{%- endmacro %}

{# The stage that a person is in at a moment: join of fct_stage_periods as `stage_periods`; NULL before the first. #}
{% macro join_stage_at(person_id, occurred_at) -%}
left join {{ ref('fct_stage_periods') }} as stage_periods
        on
            {{ person_id }} = stage_periods.person_id
            and {{ occurred_at }} >= stage_periods.started_at
            and {{ occurred_at }} < coalesce(stage_periods.ended_at, cast('9999-12-31' as timestamp))
{%- endmacro %}

{# Join of people to what they are counted by, as `segments` (segment_type, segment_value; 'all' is one of them). #}
{% macro join_segments(person_id) -%}
inner join {{ ref('bridge_person_segments') }} as segments on {{ person_id }} = segments.person_id
{%- endmacro %}
