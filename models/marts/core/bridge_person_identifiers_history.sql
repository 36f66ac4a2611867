with

changes as (

    select * from {{ ref('int_identity_changes') }}

),

changes_with_next as (

    select
        identifier_id,
        person_id,
        is_shared,
        is_known,
        change_number,
        changed_as_of as valid_from,
        lead(changed_as_of) over (
            partition by identifier_id
            order by change_number
        ) as valid_to

    from changes

),

-- two builds with one as_of: only the last of them has lasted
bridge_person_identifiers_history as (

    select
        {{ key_of(['identifier_id', 'change_number']) }} as span_id,
        identifier_id,
        person_id,
        is_shared,
        is_known,
        valid_from,
        valid_to

    from changes_with_next
    where person_id is not null and (valid_to is null or valid_to > valid_from)

)

select * from bridge_person_identifiers_history
