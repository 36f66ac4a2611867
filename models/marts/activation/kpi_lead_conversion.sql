with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

interactions as (

    select
        *,
        {{ period_start('week', 'occurred_date') }} as week_start_date

    from {{ ref('fct_cta_interactions') }}

),

-- one exposed person per call to action and week, from his first exposure in it
exposed as (

    select
        cta_type,
        cta,
        week_start_date,
        person_id,
        min(occurred_at) as exposed_at

    from interactions
    where interaction = 'exposed'
    group by cta_type, cta, week_start_date, person_id

),

responses as (

    select
        exposed.cta_type,
        exposed.cta,
        exposed.week_start_date,
        exposed.person_id,
        min(case when interactions.interaction = 'lead' then interactions.occurred_at end) as lead_at,
        min(case when interactions.interaction = 'form_started' then interactions.occurred_at end) as form_started_at,
        min(case when interactions.interaction = 'clicked' then interactions.occurred_at end) as clicked_at

    from exposed
    inner join interactions
        on
            exposed.cta_type = interactions.cta_type
            and exposed.cta = interactions.cta
            and exposed.person_id = interactions.person_id
            and exposed.exposed_at <= interactions.occurred_at
            and interactions.occurred_at <= {{ add_seconds('exposed.exposed_at', 7 * 86400) }}
    where interactions.interaction <> 'exposed'
    group by exposed.cta_type, exposed.cta, exposed.week_start_date, exposed.person_id

),

paid as (

    select
        person_id,
        reached_at as paid_at

    from {{ ref('fct_milestones') }}
    where milestone = 'paid'

),

form_sources as (

    select count(*) as form_started_count
    from interactions
    where interaction = 'form_started'

),

counted as (

    select
        exposed.cta_type,
        exposed.cta,
        exposed.week_start_date,
        count(*) as exposed_count,
        -- who clicks in a mail has answered its call
        sum(case when coalesce(responses.lead_at, responses.clicked_at) is not null then 1 else 0 end) as lead_count,
        sum(case
            when coalesce(responses.lead_at, responses.clicked_at) is not null
                and paid.paid_at >= coalesce(responses.lead_at, responses.clicked_at)
                and paid.paid_at <= {{ add_seconds('coalesce(responses.lead_at, responses.clicked_at)', 30 * 86400) }}
                then 1
            else 0
        end) as customer_count,
        sum(case when responses.form_started_at is not null then 1 else 0 end) as form_started_count,
        sum(case when responses.form_started_at is not null and responses.lead_at is null then 1 else 0 end) as form_abandoned_count

    from exposed
    left join responses
        on
            exposed.cta_type = responses.cta_type
            and exposed.cta = responses.cta
            and exposed.week_start_date = responses.week_start_date
            and exposed.person_id = responses.person_id
    left join paid on exposed.person_id = paid.person_id
    group by exposed.cta_type, exposed.cta, exposed.week_start_date

),

kpi_lead_conversion as (

    select
        {{ key_of(['counted.cta_type', 'counted.cta', 'counted.week_start_date']) }} as lead_conversion_id,
        counted.cta_type,
        counted.cta,
        counted.week_start_date,
        {{ rate_columns('lead', 'counted.lead_count', 'counted.exposed_count') }},
        {{ rate_columns('lead_to_customer_30d', 'counted.customer_count', 'counted.lead_count') }},
        {{ rate_columns(
            'form_abandonment',
            'case when form_sources.form_started_count > 0 then counted.form_abandoned_count end',
            'case when form_sources.form_started_count > 0 then counted.form_started_count end'
        ) }},
        {{ window_is_over(add_days('counted.week_start_date', 7), 7) }} as lead_is_mature,
        {{ window_is_over(add_days('counted.week_start_date', 7), 7 + 30) }} as lead_to_customer_30d_is_mature

    from counted
    cross join form_sources
    cross join as_of

)

select * from kpi_lead_conversion
