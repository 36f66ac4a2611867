with

fct_ad_spend as (

    select
        spend_id,
        source_name,
        spend_date,
        platform,
        campaign,
        coalesce(channel_group, 'Unassigned') as channel_group,
        impression_count,
        click_count,
        spend_amount,
        original_spend_amount,
        original_currency_code

    from {{ ref('int_ad_spend_deduplicated') }}

)

select * from fct_ad_spend
