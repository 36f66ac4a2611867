with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

persons as (

    select * from {{ ref('dim_persons') }}

),

sessions as (

    select
        sessions.*,
        persons.first_touch_channel_group,
        persons.signed_up_at

    from {{ ref('fct_sessions') }} as sessions
    inner join persons on sessions.person_id = persons.person_id

),

conversions as (

    select
        conversions.goal,
        conversions.occurred_date,
        conversions.person_id,
        sessions.channel_group,
        sessions.referrer_host,
        persons.first_touch_channel_group

    from {{ ref('fct_conversions') }} as conversions
    inner join persons on conversions.person_id = persons.person_id
    left join sessions on conversions.session_id = sessions.session_id

),

new_customers as (

    select
        milestones.reached_date,
        persons.first_touch_channel_group

    from {{ ref('fct_milestones') }} as milestones
    inner join persons on milestones.person_id = persons.person_id
    where milestones.milestone = 'paid'

),

ad_spend as (

    select * from {{ ref('fct_ad_spend') }}

),

{#- the ways in which this table is cut: a name, and what it is in each of the tables above; PostgreSQL groups by no bare 'all' -#}
{%- set everything = "cast('all' as " ~ dbt.type_string() ~ ')' -%}
{%- set cuts = {
    'all': {'sessions': everything, 'conversions': everything, 'new_customers': everything, 'ad_spend': everything},
    'first_touch_channel_group': {
        'sessions': 'first_touch_channel_group', 'conversions': 'first_touch_channel_group',
        'new_customers': 'first_touch_channel_group', 'ad_spend': 'channel_group'
    },
    'session_channel_group': {'sessions': 'channel_group', 'conversions': 'channel_group', 'ad_spend': 'channel_group'},
    'session_referrer_host': {'sessions': 'referrer_host', 'conversions': 'referrer_host'}
} %}

session_measures as (

    {%- for segment_type, columns in cuts.items() %}

    select
        started_date as date_day,
        {{ quoted(segment_type) }} as segment_type,
        {{ columns['sessions'] }} as segment_value,
        count(distinct person_id) as visitor_count,
        sum(case when session_number = 1 then 1 else 0 end) as new_visitor_count,
        count(*) as session_count,
        sum(case when is_engaged then 1 else 0 end) as engaged_session_count,
        sum(page_view_count) as page_view_count,
        sum(case
            when session_number = 1 and signed_up_at >= started_at and signed_up_at <= {{ add_seconds('started_at', 7 * 86400) }} then 1
            else 0
        end) as new_visitor_signup_count

    from sessions
    where {{ columns['sessions'] }} is not null
    group by started_date, {{ columns['sessions'] }}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

conversion_measures as (

    {%- for segment_type, columns in cuts.items() %}

    select
        occurred_date as date_day,
        {{ quoted(segment_type) }} as segment_type,
        {{ columns['conversions'] }} as segment_value,
        sum(case when goal = 'lead' then 1 else 0 end) as lead_count,
        sum(case when goal = 'signup' then 1 else 0 end) as signup_count,
        sum(case when goal = 'trial' then 1 else 0 end) as trial_count,
        sum(case when goal = 'subscription' then 1 else 0 end) as subscription_count

    from conversions
    where {{ columns['conversions'] }} is not null
    group by occurred_date, {{ columns['conversions'] }}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

customer_measures as (

    {%- for segment_type in ['all', 'first_touch_channel_group'] %}

    select
        reached_date as date_day,
        {{ quoted(segment_type) }} as segment_type,
        {{ cuts[segment_type]['new_customers'] }} as segment_value,
        count(*) as new_customer_count

    from new_customers
    group by reached_date, {{ cuts[segment_type]['new_customers'] }}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

ad_measures as (

    {%- for segment_type in ['all', 'first_touch_channel_group', 'session_channel_group'] %}

    select
        spend_date as date_day,
        {{ quoted(segment_type) }} as segment_type,
        {{ cuts[segment_type]['ad_spend'] }} as segment_value,
        sum(impression_count) as ad_impression_count,
        sum(click_count) as ad_click_count,
        -- one amount without a rate makes the sum unknown
        case when count(*) = count(spend_amount) then sum(spend_amount) end as spend_amount

    from ad_spend
    group by spend_date, {{ cuts[segment_type]['ad_spend'] }}

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

touch_measures as (

    select
        occurred_date as date_day,
        'touchpoint_type' as segment_type,
        touchpoint_type as segment_value,
        count(*) as touch_count,
        count(distinct person_id) as touch_person_count

    from {{ ref('fct_touchpoints') }}
    group by occurred_date, touchpoint_type

),

segments as (

    select segment_type, segment_value from session_measures
    union
    select segment_type, segment_value from conversion_measures
    union
    select segment_type, segment_value from customer_measures
    union
    select segment_type, segment_value from ad_measures
    union
    select segment_type, segment_value from touch_measures

),

ad_coverage as (

    select
        min(spend_date) as first_date,
        max(spend_date) as last_date

    from ad_spend

),

spine as (

    select
        dates.date_day,
        segments.segment_type,
        segments.segment_value,
        coalesce(dates.date_day >= ad_coverage.first_date and dates.date_day <= ad_coverage.last_date, false)
        and segments.segment_type in ('all', 'first_touch_channel_group', 'session_channel_group') as has_ads,
        segments.segment_type <> 'touchpoint_type' as has_sessions,
        segments.segment_type in ('all', 'first_touch_channel_group') as has_customers,
        {{ window_is_over(add_days('dates.date_day', 1), 7) }} as is_mature

    from {{ ref('dim_dates') }} as dates
    cross join segments
    cross join ad_coverage
    cross join as_of

),

measured as (

    select
        spine.*,
        {%- for column in [
            'visitor_count', 'new_visitor_count', 'session_count', 'engaged_session_count', 'page_view_count', 'new_visitor_signup_count'
        ] %}
        case when spine.has_sessions then coalesce(session_measures.{{ column }}, 0) end as {{ column }},
        {%- endfor %}
        {%- for column in ['lead_count', 'signup_count', 'trial_count', 'subscription_count'] %}
        case when spine.has_sessions then coalesce(conversion_measures.{{ column }}, 0) end as {{ column }},
        {%- endfor %}
        case when spine.has_customers then coalesce(customer_measures.new_customer_count, 0) end as new_customer_count,
        case when spine.has_ads then coalesce(ad_measures.ad_impression_count, 0) end as ad_impression_count,
        case when spine.has_ads then coalesce(ad_measures.ad_click_count, 0) end as ad_click_count,
        case
            when spine.has_ads and ad_measures.date_day is null then 0
            when spine.has_ads then ad_measures.spend_amount
        end as spend_amount,
        case when not spine.has_sessions then coalesce(touch_measures.touch_count, 0) end as touch_count,
        case when not spine.has_sessions then coalesce(touch_measures.touch_person_count, 0) end as touch_person_count

    from spine
    {%- for measures in ['session_measures', 'conversion_measures', 'customer_measures', 'ad_measures', 'touch_measures'] %}
    left join {{ measures }}
        on
            spine.date_day = {{ measures }}.date_day
            and spine.segment_type = {{ measures }}.segment_type
            and spine.segment_value = {{ measures }}.segment_value
    {%- endfor %}

),

kpi_acquisition_daily as (

    select
        {{ key_of(['date_day', 'segment_type', 'segment_value']) }} as acquisition_day_id,
        date_day,
        segment_type,
        segment_value,
        cast(visitor_count as bigint) as visitor_count,
        cast(new_visitor_count as bigint) as new_visitor_count,
        cast(session_count as bigint) as session_count,
        cast(page_view_count as bigint) as page_view_count,
        {{ rate_columns('engaged_session', 'engaged_session_count', 'session_count') }},
        {{ rate_columns('bounce', '(session_count - engaged_session_count)', 'session_count') }},
        cast(ad_impression_count as bigint) as ad_impression_count,
        cast(ad_click_count as bigint) as ad_click_count,
        {{ rate_columns('click_through', 'ad_click_count', 'ad_impression_count') }},
        cast(spend_amount as decimal(18, 4)) as spend_amount,
        cast(spend_amount as double) / nullif(ad_click_count, 0) as cost_per_click_amount,
        cast(lead_count as bigint) as lead_count,
        cast(signup_count as bigint) as signup_count,
        cast(trial_count as bigint) as trial_count,
        cast(subscription_count as bigint) as subscription_count,
        cast(new_customer_count as bigint) as new_customer_count,
        cast(spend_amount as double) / nullif(new_customer_count, 0) as acquisition_cost_amount,
        {{ rate_columns('visitor_signup_7d', 'new_visitor_signup_count', 'new_visitor_count') }},
        is_mature as visitor_signup_7d_is_mature,
        cast(touch_count as bigint) as touch_count,
        cast(touch_person_count as bigint) as touch_person_count

    from measured

)

select * from kpi_acquisition_daily
