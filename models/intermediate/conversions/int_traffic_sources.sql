-- one row per distinct combination of what a session or an advertisement says of its origin: the channel rules run on these few,
-- not on every session
with

combinations as (

    select distinct
        coalesce(utm_source, '') as utm_source,
        coalesce(utm_medium, '') as utm_medium,
        coalesce(utm_campaign, '') as utm_campaign,
        coalesce(click_id_type, '') as click_id_type,
        {{ external_referrer('referrer_host', 'entry_page_host') }} as referrer_host

    from {{ ref('int_sessions_aggregated') }}

    union

    select distinct
        coalesce(utm_source, '') as utm_source,
        coalesce(utm_medium, '') as utm_medium,
        coalesce(utm_campaign, '') as utm_campaign,
        '' as click_id_type,
        '' as referrer_host

    from {{ ref('int_ad_spend_unioned') }}

),

categories as (

    select * from {{ ref('source_categories') }}

),

origins as (

    select
        combinations.*,
        coalesce(
            nullif(combinations.utm_source, ''),
            nullif(combinations.referrer_host, ''),
            case
                when combinations.click_id_type in ('gclid', 'gbraid', 'wbraid', 'dclid') then 'google'
                when combinations.click_id_type = 'fbclid' then 'facebook'
                when combinations.click_id_type = 'msclkid' then 'bing'
                when combinations.click_id_type = 'ttclid' then 'tiktok'
                when combinations.click_id_type = 'twclid' then 'twitter'
                when combinations.click_id_type = 'li_fat_id' then 'linkedin'
                else '(direct)'
            end
        ) as source

    from combinations

),

origin_categories as (

    select
        origins.source,
        -- a source in two lists: the order of the words is the order of the alphabet, so that it does not hang on the rows' order
        min(categories.source_category) as source_category

    from (select distinct source from origins) as origins
    inner join categories on {{ regex_match('lower(origins.source)', pattern_column='categories.pattern') }}
    group by origins.source

),

origins_with_medium as (

    select
        origins.*,
        origin_categories.source_category,
        coalesce(
            nullif(origins.utm_medium, ''),
            -- a click id of these kinds is only ever set by a paid click
            case
                when origins.click_id_type in ('gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid', 'ttclid', 'twclid', 'li_fat_id') then 'cpc'
            end,
            case when origins.utm_source <> '' then '(not set)' end,
            case
                when origin_categories.source_category = 'search' then 'organic'
                when origins.source <> '(direct)' then 'referral'
                else '(none)'
            end
        ) as medium

    from origins
    left join origin_categories on origins.source = origin_categories.source

),

matches as (

    select
        origins_with_medium.utm_source,
        origins_with_medium.utm_medium,
        origins_with_medium.utm_campaign,
        origins_with_medium.click_id_type,
        origins_with_medium.referrer_host,
        min(cast(rules.rule_number as integer)) as rule_number

    from origins_with_medium
    inner join {{ ref('channel_rules') }} as rules
        on
            (
                coalesce(rules.source_pattern, '') = ''
                or {{ regex_match('lower(origins_with_medium.source)', pattern_column='rules.source_pattern') }}
            )
            and (
                coalesce(rules.medium_pattern, '') = ''
                or {{ regex_match('lower(origins_with_medium.medium)', pattern_column='rules.medium_pattern') }}
            )
            and (
                coalesce(rules.campaign_pattern, '') = ''
                or {{ regex_match('lower(origins_with_medium.utm_campaign)', pattern_column='rules.campaign_pattern') }}
            )
            and coalesce(rules.source_category, '') in ('', coalesce(origins_with_medium.source_category, '-'))
    group by
        origins_with_medium.utm_source, origins_with_medium.utm_medium, origins_with_medium.utm_campaign,
        origins_with_medium.click_id_type, origins_with_medium.referrer_host

),

traffic_sources as (

    select
        origins_with_medium.utm_source,
        origins_with_medium.utm_medium,
        origins_with_medium.utm_campaign,
        origins_with_medium.click_id_type,
        origins_with_medium.referrer_host,
        origins_with_medium.source,
        origins_with_medium.medium,
        nullif(origins_with_medium.utm_campaign, '') as campaign,
        coalesce(rules.channel_group, 'Unassigned') as channel_group

    from origins_with_medium
    left join matches
        on
            origins_with_medium.utm_source = matches.utm_source
            and origins_with_medium.utm_medium = matches.utm_medium
            and origins_with_medium.utm_campaign = matches.utm_campaign
            and origins_with_medium.click_id_type = matches.click_id_type
            and origins_with_medium.referrer_host = matches.referrer_host
    left join {{ ref('channel_rules') }} as rules on matches.rule_number = cast(rules.rule_number as integer)

)

select * from traffic_sources
