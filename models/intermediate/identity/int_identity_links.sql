with

evidence as (

    select * from {{ ref('int_identity_evidence') }}
    where identifier_a <> identifier_b

),

identity_links as (

    select
        least(identifier_a, identifier_b) as identifier_a,
        greatest(identifier_a, identifier_b) as identifier_b,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(sighting_count) as sighting_count,
        max(case when evidence = 'event' then 1 else 0 end) = 1 as is_seen_in_events,
        max(case when evidence <> 'event' then 1 else 0 end) = 1 as is_declared

    from evidence
    group by least(identifier_a, identifier_b), greatest(identifier_a, identifier_b)

)

select * from identity_links
