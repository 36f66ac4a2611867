with

accounts as (

    select * from {{ ref('dim_accounts') }}

),

bridge_account_segments as (

    select account_id, 'all' as segment_type, 'all' as segment_value from accounts
    union all
    select account_id, 'plan' as segment_type, coalesce(plan, '(none)') as segment_value from accounts
    union all
    select account_id, 'industry' as segment_type, coalesce(industry, '(none)') as segment_value from accounts

)

select
    {{ key_of(['account_id', 'segment_type']) }} as account_segment_id,
    account_id,
    segment_type,
    segment_value

from bridge_account_segments
