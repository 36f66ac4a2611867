select *
from {{ ref('kpi_stage_durations') }}
where
    stay_count <> advanced_count + churned_count + dormant_count + open_count
    or stuck_count > open_count
