-- and what is neither sent nor held back has been queued within the last week: a message does not get lost
with

as_of as (

    select * from {{ ref('dim_as_of') }}

)

select engagement.*
from {{ ref('kpi_campaign_engagement') }} as engagement
cross join as_of
where
    engagement.queued_count <> engagement.suppressed_count + engagement.sent_count + engagement.pending_count
    or engagement.delivery_numerator > engagement.sent_count
    or (engagement.pending_count > 0 and {{ add_days('engagement.queued_date', 7) }} < as_of.as_of_date)
