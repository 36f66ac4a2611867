-- the account a person was last seen in
with

sightings as (

    select
        {{ identifier_id('user_id', 'user_id') }} as identifier_id,
        account_id,
        max(occurred_at) as seen_at

    from {{ ref('int_identity_links_unioned') }}
    where reject_reason is null and account_id is not null and user_id is not null
    group by user_id, account_id

    union all

    select
        user_identifier_id as identifier_id,
        account_id,
        max(occurred_at) as seen_at

    from {{ ref('int_events_sessionized') }}
    where account_id is not null and user_identifier_id is not null
    group by user_identifier_id, account_id

),

person_sightings as (

    select
        identifiers.person_id,
        sightings.account_id,
        row_number() over (
            partition by identifiers.person_id
            order by sightings.seen_at desc, sightings.account_id asc
        ) as sighting_number

    from sightings
    inner join {{ ref('int_identifiers_resolved') }} as identifiers on sightings.identifier_id = identifiers.identifier_id

),

person_accounts as (

    select
        person_id,
        account_id

    from person_sightings
    where sighting_number = 1

)

select * from person_accounts
