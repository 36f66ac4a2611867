with

as_of as (

    select * from {{ ref('int_as_of') }}

),

types as (

    select
        touchpoint_type,
        coalesce(cast(is_assisted as boolean), false) as is_assisted

    from {{ ref('touchpoint_types') }}

),

contacts as (

    select
        'session' as kind,
        0 as kind_number,
        session_id as what,
        person_id,
        coalesce(platform, '(unknown)') as channel,
        false as is_assisted,
        started_at as occurred_at

    from {{ ref('fct_sessions') }}

    union all

    -- a touch within a visit is part of it, unless somebody of the company answered
    select
        'touch' as kind,
        1 as kind_number,
        touches.touchpoint_id as what,
        touches.person_id,
        touches.touchpoint_type as channel,
        types.is_assisted,
        touches.occurred_at

    from {{ ref('fct_touchpoints') }} as touches
    inner join types on touches.touchpoint_type = types.touchpoint_type
    where
        touches.direction = 'inbound'
        and touches.touchpoint_type not in ('session', 'support')
        and (touches.session_id is null or types.is_assisted)

    union all

    select
        'support' as kind,
        2 as kind_number,
        contact_key as what,
        person_id,
        contact_type as channel,
        is_human as is_assisted,
        opened_at as occurred_at

    from {{ ref('fct_support_contacts') }}
    where contact_type <> 'article'

),

contacts_in_order as (

    select
        contacts.*,
        cast(row_number() over person_in_order as bigint) as visit_number,
        lag(contacts.channel) over person_in_order as previous_channel,
        lag(contacts.is_assisted) over person_in_order as previous_is_assisted,
        lag(contacts.occurred_at) over person_in_order as previous_contact_at,
        lead(contacts.occurred_at) over person_in_order as next_contact_at

    from contacts
    cross join as_of
    where contacts.occurred_at <= as_of.as_of_at
    window person_in_order as (
        partition by contacts.person_id
        order by contacts.occurred_at, contacts.kind_number, contacts.what
    )

),

fct_channel_visits as (

    select
        {{ key_of(['kind', 'what']) }} as channel_visit_id,
        person_id,
        kind,
        channel,
        is_assisted,
        occurred_at,
        {{ local_date('occurred_at') }} as occurred_date,
        visit_number,
        previous_channel,
        previous_is_assisted,
        previous_contact_at,
        {{ elapsed_seconds('previous_contact_at', 'occurred_at') }} as seconds_since_previous,
        coalesce(
            channel <> previous_channel
            and {{ epoch_us('occurred_at') }} - {{ epoch_us('previous_contact_at') }} <= {{ 30 * 86400 * 1000000 }},
            false
        ) as is_switch,
        next_contact_at

    from contacts_in_order

)

select * from fct_channel_visits
