{{ kpi_long() }}
-- depends_on: {{ ref('kpi_account_feature_adoption') }} {{ ref('kpi_account_retention_cohorts') }} {{ ref('kpi_active_accounts_daily') }}
-- depends_on: {{ ref('kpi_acquisition_daily') }} {{ ref('kpi_campaign_engagement') }} {{ ref('kpi_content_performance') }}
-- depends_on: {{ ref('kpi_entry_conversion') }} {{ ref('kpi_experiment_results') }} {{ ref('kpi_next_action_time') }}
-- depends_on: {{ ref('kpi_active_persons_daily') }} {{ ref('kpi_checkout_abandonment') }} {{ ref('kpi_conversion_pages') }}
-- depends_on: {{ ref('kpi_help_retention') }} {{ ref('kpi_lead_conversion') }} {{ ref('kpi_onboarding') }}
-- depends_on: {{ ref('kpi_support') }} {{ ref('kpi_time_to_convert') }} {{ ref('kpi_trial_subscription') }}
-- depends_on: {{ ref('kpi_feature_adoption') }} {{ ref('kpi_feature_breadth') }} {{ ref('kpi_session_frequency') }}
-- depends_on: {{ ref('kpi_session_stages') }} {{ ref('kpi_survey_scores') }} {{ ref('kpi_advocacy') }}
-- depends_on: {{ ref('kpi_expansion') }} {{ ref('kpi_lifetime_value') }} {{ ref('kpi_retention_cohorts') }}
