{{ config(materialized='view') }}
{#- a view: nothing is stored twice, and a query for one metric reads one table -#}
with

kpi_long as (

    {%- set measures = [] %}
    {%- for model_name, node in kpi_nodes().items() if model_name != 'kpi_long' %}
        {%- for column in node.columns.values() if kpi_column_role(node, column) == 'measure' %}
            {%- do measures.append({'node': node, 'column': column}) %}
        {%- endfor %}
    {%- endfor %}
    {%- set text = dbt.type_string() %}
    {%- for measure in measures %}
    {%- set node, name = measure.node, measure.column.name %}
    {%- set parts = kpi_parts(node, name) %}
    {%- set columns = node.columns.keys() | list %}

    select
        {{ key_of([quoted(node.name ~ '.' ~ name), columns[0]]) }} as kpi_value_id,
        {{ quoted(node.name ~ '.' ~ name) }} as metric,
        {{ columns[0] }} as row_id,
        {{ quoted(node.config.meta.period_type) if node.config.meta.period_type != 'period' else 'period_type' }} as period_type,
        {{ 'cast(' ~ node.config.meta.period ~ ' as date)' if node.config.meta.period else 'cast(null as date)' }} as period_start_date,
        {{ 'segment_type' if 'segment_type' in columns else quoted('all') }} as segment_type,
        {{ 'segment_value' if 'segment_value' in columns else quoted('all') }} as segment_value,
        {{ dimension_text(kpi_dimensions(node)) }} as dimensions,
        cast({{ parts.numerator or 'null' }} as double) as numerator,
        cast({{ parts.denominator or 'null' }} as double) as denominator,
        cast({{ name }} as double) as value,
        cast({{ parts.lower or 'null' }} as double) as value_lower,
        cast({{ parts.upper or 'null' }} as double) as value_upper,
        cast({{ parts.maturity or 'null' }} as boolean) as is_mature

    from {{ node.relation_name }}

    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        {% for name, data_type in {
            'kpi_value_id': text, 'metric': text, 'row_id': text, 'period_type': text, 'period_start_date': 'date', 'segment_type': text, 'segment_value': text, 'dimensions': text,
            'numerator': 'double', 'denominator': 'double', 'value': 'double', 'value_lower': 'double', 'value_upper': 'double', 'is_mature': 'boolean'
        }.items() -%}
        cast(null as {{ data_type }}) as {{ name }}{{ ', ' if not loop.last }}
        {%- endfor %}
    where 1 = 0
    {%- endfor %}

)

select * from kpi_long
-- depends_on: {{ ref('kpi_account_feature_adoption') }} {{ ref('kpi_account_retention_cohorts') }} {{ ref('kpi_active_accounts_daily') }}
-- depends_on: {{ ref('kpi_acquisition_daily') }} {{ ref('kpi_campaign_engagement') }} {{ ref('kpi_content_performance') }}
-- depends_on: {{ ref('kpi_entry_conversion') }} {{ ref('kpi_experiment_results') }} {{ ref('kpi_next_action_time') }}
-- depends_on: {{ ref('kpi_active_persons_daily') }} {{ ref('kpi_checkout_abandonment') }} {{ ref('kpi_conversion_pages') }}
-- depends_on: {{ ref('kpi_help_retention') }} {{ ref('kpi_lead_conversion') }} {{ ref('kpi_onboarding') }}
-- depends_on: {{ ref('kpi_support') }} {{ ref('kpi_time_to_convert') }} {{ ref('kpi_trial_subscription') }}
-- depends_on: {{ ref('kpi_feature_adoption') }} {{ ref('kpi_feature_breadth') }} {{ ref('kpi_session_frequency') }}
-- depends_on: {{ ref('kpi_session_stages') }} {{ ref('kpi_survey_scores') }} {{ ref('kpi_advocacy') }}
-- depends_on: {{ ref('kpi_expansion') }} {{ ref('kpi_lifetime_value') }} {{ ref('kpi_retention_cohorts') }}
