-- What does it cost when somebody changes the channel? Of contacts within 30 days of another: how many nothing followed for 30 days, by
-- whether the channel changed and whether somebody of the company had to come in; and what the contacts with support cost that came so.
with

pairs as (

    select
        *,
        case
            when is_digital_to_assisted then 'from digital to assisted'
            when is_switch then 'to another channel'
            else 'the same channel'
        end as way

    from {{ ref('kpi_channel_switches') }}

),

contacts as (

    select
        way,
        sum(contact_count) as contact_count,
        sum(drop_off_numerator) as dropped_count,
        sum(drop_off_denominator) as watched_count,
        sum(converted_7d_numerator) as converted_count,
        sum(converted_7d_denominator) as converted_watched_count

    from pairs
    group by way

),

support as (

    select
        contacts.cost_amount,
        case
            when visits.is_assisted and not visits.previous_is_assisted then 'from digital to assisted'
            when visits.is_switch then 'to another channel'
            else 'the same channel'
        end as way

    from {{ ref('fct_channel_visits') }} as visits
    inner join {{ ref('fct_support_contacts') }} as contacts
        on visits.channel_visit_id = {{ key_of(["'support'", 'contacts.contact_key']) }}
    where visits.seconds_since_previous <= 30 * 86400

),

costs as (

    select
        way,
        sum(cost_amount) as support_cost_amount,
        count(*) as support_contact_count

    from support
    group by way

)

select
    contacts.way,
    contacts.contact_count,
    cast(contacts.dropped_count as double) / nullif(contacts.watched_count, 0) as drop_off_share,
    cast(contacts.converted_count as double) / nullif(contacts.converted_watched_count, 0) as converted_7d_share,
    costs.support_contact_count,
    costs.support_cost_amount,
    costs.support_cost_amount / contacts.contact_count as support_cost_per_contact_amount

from contacts
left join costs on contacts.way = costs.way
order by contacts.way
