-- A shop's half year (examples/ecom_clickstream; `make real` builds it), told by its tables: an article goes round, checkout breaks on
-- phones, payments fail, people who know the shop buy more, and those who came late buy less. Each line sets the days, or the people,
-- against all others.
with

moments as (

    select 'article goes round' as incident, cast('2024-02-29' as date) as first_date, cast('2024-03-03' as date) as last_date
    union all
    select 'checkout breaks on phones' as incident, cast('2024-04-09' as date) as first_date, cast('2024-05-09' as date) as last_date
    union all
    select 'payments fail' as incident, cast('2024-05-19' as date) as first_date, cast('2024-06-07' as date) as last_date

),

-- people come who have questions: sessions in which support was asked
chats as (

    select
        sessions.started_date,
        max(case when events.event_name = 'support_chat' then 1 else 0 end) as has_chat

    from {{ ref('fct_sessions') }} as sessions
    inner join {{ ref('fct_events') }} as events on sessions.session_id = events.session_id
    group by sessions.session_id, sessions.started_date

),

-- where closed checkouts of phones ended, and those of everybody
checkouts as (

    select
        checkouts.started_date,
        sessions.platform,
        case when checkouts.status = 'abandoned' then checkouts.last_step else 'bought' end as ended_at

    from {{ ref('fct_checkouts') }} as checkouts
    inner join {{ ref('fct_sessions') }} as sessions
        on
            checkouts.person_id = sessions.person_id
            and checkouts.started_at >= sessions.started_at
            and checkouts.started_at <= sessions.ended_at
    where checkouts.status <> 'open'

),

first_sessions as (

    select
        person_id,
        min(started_date) as first_date

    from {{ ref('fct_sessions') }}
    group by person_id

),

observed as (

    select
        moments.incident,
        'sessions that ask support' as what,
        chats.started_date >= moments.first_date and chats.started_date <= moments.last_date as is_inside,
        chats.has_chat as is_hit

    from chats
    inner join moments on moments.incident = 'article goes round'

    union all

    select
        moments.incident,
        'checkouts on phones given up at shipping' as what,
        checkouts.started_date >= moments.first_date and checkouts.started_date <= moments.last_date as is_inside,
        case when checkouts.ended_at = 'shipping_details' then 1 else 0 end as is_hit

    from checkouts
    inner join moments on moments.incident = 'checkout breaks on phones'
    where checkouts.platform = 'mobile'

    union all

    select
        moments.incident,
        'checkouts given up at payment' as what,
        checkouts.started_date >= moments.first_date and checkouts.started_date <= moments.last_date as is_inside,
        case when checkouts.ended_at = 'payment_details' then 1 else 0 end as is_hit

    from checkouts
    inner join moments on moments.incident = 'payments fail'

    union all

    select
        'people who know the shop' as incident,
        'sessions with a purchase, from the fourth on' as what,
        session_number >= 4 as is_inside,
        case when key_event_count > 0 then 1 else 0 end as is_hit

    from {{ ref('fct_sessions') }}

    union all

    select
        'people who came late' as incident,
        'sessions with a purchase, of those first seen in April or later' as what,
        first_sessions.first_date >= cast('2024-04-01' as date) as is_inside,
        case when sessions.key_event_count > 0 then 1 else 0 end as is_hit

    from {{ ref('fct_sessions') }} as sessions
    inner join first_sessions on sessions.person_id = first_sessions.person_id

)

select
    incident,
    what,
    sum(case when is_inside then is_hit end) as inside_numerator,
    sum(case when is_inside then 1 else 0 end) as inside_denominator,
    sum(case when not is_inside then is_hit end) as outside_numerator,
    sum(case when not is_inside then 1 else 0 end) as outside_denominator,
    cast(sum(case when is_inside then is_hit end) as double) / sum(case when is_inside then 1 else 0 end) as inside_rate,
    cast(sum(case when not is_inside then is_hit end) as double) / sum(case when not is_inside then 1 else 0 end) as outside_rate

from observed
group by incident, what
order by incident
