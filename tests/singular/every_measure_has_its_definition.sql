-- no column of a KPI table without a row, no row without a column, no measure without words
with

columns_there as (

    {%- for node in graph.nodes.values()
        if execute and node.resource_type == 'model' and node.name.startswith('kpi_') and node.name != 'kpi_long' %}
    {%- for column in adapter.get_columns_in_relation(relation_in(node.schema, node.alias)) %}
    select {{ quoted(node.name ~ '.' ~ column.name) }} as metric
    union all
    {%- endfor %}
    {%- endfor %}
    select cast(null as {{ dbt.type_string() }}) as metric

)

select
    columns_there.metric as column_there,
    definitions.metric as column_defined,
    definitions.description

from (select metric from columns_there where metric is not null) as columns_there
full outer join {{ ref('metric_definitions') }} as definitions on columns_there.metric = definitions.metric
where
    columns_there.metric is null
    or definitions.metric is null
    or coalesce(definitions.description, '') = ''
    or (definitions.role = 'measure' and (definitions.kind is null or definitions.null_rule is null))
    or (definitions.kind = 'rate' and (definitions.numerator is null or definitions.denominator is null))
-- depends_on: {{ ref('kpi_account_feature_adoption') }} {{ ref('kpi_account_retention_cohorts') }} {{ ref('kpi_active_accounts_daily') }}
-- depends_on: {{ ref('kpi_acquisition_daily') }} {{ ref('kpi_campaign_engagement') }} {{ ref('kpi_content_performance') }}
-- depends_on: {{ ref('kpi_entry_conversion') }} {{ ref('kpi_experiment_results') }} {{ ref('kpi_next_action_time') }}
-- depends_on: {{ ref('kpi_active_persons_daily') }} {{ ref('kpi_checkout_abandonment') }} {{ ref('kpi_conversion_pages') }}
-- depends_on: {{ ref('kpi_help_retention') }} {{ ref('kpi_lead_conversion') }} {{ ref('kpi_onboarding') }}
-- depends_on: {{ ref('kpi_support') }} {{ ref('kpi_time_to_convert') }} {{ ref('kpi_trial_subscription') }}
-- depends_on: {{ ref('kpi_feature_adoption') }} {{ ref('kpi_feature_breadth') }} {{ ref('kpi_session_frequency') }}
-- depends_on: {{ ref('kpi_session_stages') }} {{ ref('kpi_survey_scores') }} {{ ref('kpi_advocacy') }}
-- depends_on: {{ ref('kpi_expansion') }} {{ ref('kpi_lifetime_value') }} {{ ref('kpi_retention_cohorts') }}
-- depends_on: {{ ref('kpi_journeys_daily') }} {{ ref('kpi_journey_steps') }} {{ ref('kpi_journey_next_steps') }}
-- depends_on: {{ ref('kpi_journey_exclusions') }} {{ ref('kpi_journey_endpoints') }} {{ ref('kpi_funnels') }}
-- depends_on: {{ ref('kpi_path_transitions') }} {{ ref('kpi_path_variants') }} {{ ref('kpi_path_flows') }}
-- depends_on: {{ ref('kpi_friction') }} {{ ref('kpi_channel_switches') }} {{ ref('kpi_stage_durations') }}
-- depends_on: {{ ref('kpi_behaviour_drivers') }} {{ ref('kpi_attribution_daily') }}
