with

contacts as (

    select
        *,
        {{ record_event_id('support_contacts', 'support_contacted') }} as event_id

    from {{ ref('int_support_contacts_deduplicated') }}

),

fct_support_contacts as (

    select
        contacts.record_key as contact_key,
        contacts.source_name,
        contacts.contact_id,
        events.person_id,
        contacts.contact_type,
        coalesce(contacts.reason, '(none)') as reason,
        coalesce(contacts.is_complaint, false) as is_complaint,
        coalesce(contacts.is_escalated, false) as is_escalated,
        -- somebody of the company had to do something
        contacts.contact_type in ('live_chat', 'ticket', 'phone', 'email', 'social')
        or (contacts.contact_type = 'chatbot' and coalesce(contacts.is_escalated, false)) as is_human,
        contacts.opened_at,
        {{ local_date('contacts.opened_at') }} as opened_date,
        contacts.first_replied_at,
        contacts.resolved_at,
        {{ elapsed_seconds('contacts.opened_at', 'contacts.first_replied_at') }} as first_reply_seconds,
        {{ elapsed_seconds('contacts.opened_at', 'contacts.resolved_at') }} as resolution_seconds,
        cast(contacts.csat_score as double) as csat_score,
        {{ in_reporting_currency('contacts.cost_amount') }} as cost_amount,
        contacts.cost_amount as original_cost_amount,
        contacts.currency_code as original_currency_code,
        stage_periods.stage

    from contacts
    inner join {{ ref('int_events_identified') }} as events on contacts.event_id = events.event_id
    {{ join_fx_rates('contacts.currency_code', local_date('contacts.opened_at')) }}
    {{ join_stage_at('events.person_id', 'contacts.opened_at') }}

)

select * from fct_support_contacts
