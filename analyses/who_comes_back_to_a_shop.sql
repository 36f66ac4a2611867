-- A shop's customers by the month of their first order (examples/online_retail; `make real` builds it), and who of them came back in
-- which month: once with every line of an invoice, once without what was cancelled or given away. Whoever counts cancellations as
-- orders has more customers, and keeps more of them.
with

cohorts as (

    select
        case definition when 'any_line_monthly' then 'cancellations kept' else 'cancellations removed' end as reading,
        cohort_start_date,
        period_offset,
        retention_numerator,
        retention_denominator,
        is_mature

    from {{ ref('kpi_retention_cohorts') }}
    where
        definition in ('any_line_monthly', 'bought_monthly')
        and criterion = 'on'
        and row_type = 'cohort'
        and segment_type = 'all'

)

select
    reading,
    cohort_start_date,
    max(retention_denominator) as customer_count,
    {%- for month in range(1, 12) %}
    max(case when period_offset = {{ month }} and is_mature then retention_numerator end) as month_{{ month }}_count,
    {%- endfor %}
    -- of the months that are over, the last
    max(case when is_mature then period_offset end) as months_followed

from cohorts
group by reading, cohort_start_date
order by reading, cohort_start_date
