with

ctas as (

    select * from {{ ref('ctas') }}

),

page_views as (

    select
        person_id,
        event_id,
        occurred_at,
        page_path

    from {{ ref('int_events_identified') }}
    where event_type in ('page', 'screen') and page_path is not null

),

-- patterns are matched once per distinct page, not once per view
pages_with_cta as (

    select
        pages.page_path,
        ctas.cta_type,
        ctas.cta

    from (select distinct page_path from page_views) as pages
    inner join ctas on {{ regex_match('pages.page_path', pattern_column='ctas.page_path_pattern') }}
    where ctas.cta_type = 'landing_page'

),

interactions as (

    -- a page on which it stands was seen
    select
        pages_with_cta.cta_type,
        pages_with_cta.cta,
        'exposed' as interaction,
        page_views.person_id,
        page_views.event_id,
        page_views.occurred_at

    from page_views
    inner join pages_with_cta on page_views.page_path = pages_with_cta.page_path

    union all

    -- a mail in which it stands was delivered; it was clicked there
    select
        ctas.cta_type,
        ctas.cta,
        case events.event_name when 'message_clicked' then 'clicked' else 'exposed' end as interaction,
        events.person_id,
        events.event_id,
        events.occurred_at

    from {{ ref('int_events_identified') }} as events
    inner join ctas
        on
            ctas.cta_type = 'email'
            and {{ json_text('events.properties', 'campaign') }} = ctas.campaign
            and (
                events.event_name = 'message_delivered'
                or coalesce({{ json_text('events.properties', 'cta') }}, ctas.cta) = ctas.cta
            )
    where events.event_name in ('message_delivered', 'message_clicked')

    union all

    -- its form was begun, or sent
    select
        ctas.cta_type,
        ctas.cta,
        case events.event_name when 'form_started' then 'form_started' else 'lead' end as interaction,
        events.person_id,
        events.event_id,
        events.occurred_at

    from {{ ref('int_events_identified') }} as events
    inner join ctas on {{ json_text('events.properties', 'cta') }} = ctas.cta
    where
        events.event_name = 'form_started'
        or events.event_name in (select goals.event_name from {{ ref('goals') }} as goals where goals.goal = 'lead')

),

fct_cta_interactions as (

    select
        {{ key_of(['cta_type', 'cta', 'interaction', 'event_id']) }} as cta_interaction_id,
        cta_type,
        cta,
        interaction,
        person_id,
        event_id,
        occurred_at,
        {{ local_date('occurred_at') }} as occurred_date

    from interactions

)

select * from fct_cta_interactions
