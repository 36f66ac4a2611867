-- of all steps' exits each abandoned checkout is one
with

whole as (

    select * from {{ ref('kpi_checkout_abandonment') }}
    where step = 'all'

),

steps as (

    select
        date_day,
        segment_type,
        segment_value,
        sum(abandonment_numerator) as abandoned_count

    from {{ ref('kpi_checkout_abandonment') }}
    where step <> 'all'
    group by date_day, segment_type, segment_value

)

select whole.*
from whole
left join steps
    on
        whole.date_day = steps.date_day
        and whole.segment_type = steps.segment_type
        and whole.segment_value = steps.segment_value
where
    whole.started_count <> whole.completed_count + whole.abandonment_numerator + whole.open_count
    or whole.abandonment_numerator <> coalesce(steps.abandoned_count, 0)
