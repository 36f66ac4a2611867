with

identity_changes as (

    select
        {{ key_of(['change_number', 'change_type', 'previous_person_id', 'person_id']) }} as change_id,
        change_number,
        max(changed_as_of) as changed_as_of,
        change_type,
        previous_person_id,
        person_id,
        count(*) as identifier_count,
        min(link_identifier_a) as link_identifier_a,
        min(link_identifier_b) as link_identifier_b,
        min(link_status) as link_status

    from {{ ref('int_identity_changes') }}
    group by change_number, change_type, previous_person_id, person_id

)

select * from identity_changes
