with

help_uses as (

    select
        {{ key_of(["'event'", 'events.event_id']) }} as help_use_id,
        events.person_id,
        help_events.help_type,
        false as is_human,
        events.occurred_at

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('help_events') }} as help_events on events.event_name = help_events.event_name

    union all

    select
        {{ key_of(["'contact'", 'contact_key']) }} as help_use_id,
        person_id,
        contact_type as help_type,
        is_human,
        opened_at as occurred_at

    from {{ ref('fct_support_contacts') }}

),

fct_help_uses as (

    select
        help_use_id,
        person_id,
        help_type,
        is_human,
        occurred_at,
        {{ local_date('occurred_at') }} as occurred_date

    from help_uses

)

select * from fct_help_uses
