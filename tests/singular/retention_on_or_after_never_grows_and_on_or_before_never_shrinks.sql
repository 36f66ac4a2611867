with

cohorts as (

    {%- for table in ['kpi_retention_cohorts', 'kpi_account_retention_cohorts'] %}

    select
        {{ quoted(table) }} as table_name,
        definition,
        criterion,
        cohort_start_date,
        segment_type,
        segment_value,
        period_offset,
        retention_numerator,
        retention_denominator,
        lag(retention_numerator) over (
            partition by definition, criterion, cohort_start_date, segment_type, segment_value
            order by period_offset
        ) as previous_numerator

    from {{ ref(table) }}
    where row_type = 'cohort'

    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select *
from cohorts
where
    retention_numerator > retention_denominator
    or (criterion = 'on_or_after' and retention_numerator > previous_numerator)
    or (criterion = 'on_or_before' and retention_numerator < previous_numerator)
