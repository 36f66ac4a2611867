with

cohorts as (

    select
        *,
        lag(retention_numerator) over (
            partition by definition, criterion, cohort_start_date, segment_type, segment_value
            order by period_offset
        ) as previous_numerator

    from {{ ref('kpi_retention_cohorts') }}
    where row_type = 'cohort'

)

select *
from cohorts
where
    retention_numerator > retention_denominator
    or (criterion = 'on_or_after' and retention_numerator > previous_numerator)
    or (criterion = 'on_or_before' and retention_numerator < previous_numerator)
