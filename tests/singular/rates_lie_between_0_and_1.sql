{#- every column that ends in _rate or _share of every kpi table, found in the project itself, so that no new one is forgotten -#}
{%- set checks = [] -%}
{%- for node in kpi_nodes().values() -%}
    {%- for column in node.columns.values() if column.name.endswith('_rate') or column.name.endswith('_share') or column.name.endswith('_rate_lower') or column.name.endswith('_rate_upper') -%}
        {%- do checks.append({'table': node.name, 'relation': node.relation_name, 'column': column.name}) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for check in checks %}
select {{ quoted(check.table) }} as table_name, {{ quoted(check.column) }} as column_name, count(*) as row_count
from {{ check.relation }}
where not ({{ check.column }} >= 0 and {{ check.column }} <= 1)
having count(*) > 0
{{ 'union all' if not loop.last }}
{%- else %}
select 1 as nothing where 1 = 0
{%- endfor %}
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
