with

statements as (

    select
        *,
        row_number() over (
            partition by source_name, spend_id
            order by {{ ad_spend_order() }}
        ) as statement_number

    from {{ ref('int_ad_spend_unioned') }}
    where reject_reason is null

),

ad_spend_deduplicated as (

    select
        statements.spend_id,
        statements.source_name,
        statements.spend_date,
        statements.platform,
        statements.campaign,
        traffic.channel_group,
        statements.impression_count,
        statements.click_count,
        {{ in_reporting_currency('statements.spend_amount') }} as spend_amount,
        statements.spend_amount as original_spend_amount,
        statements.currency_code as original_currency_code

    from statements
    {{ join_traffic_sources('statements') }}
    {{ join_fx_rates('statements.currency_code', 'statements.spend_date') }}
    where statements.statement_number = 1

)

select * from ad_spend_deduplicated
