with

pending as (

    select * from {{ ref('int_loads_pending') }}

),

{%- for offer, shape in record_offers().items() %}

{{ offer }} as (

    select * from {{ ref('int_' ~ offer ~ '_unioned') }}
    where reject_reason is null

),

{{ offer }}_touched as (

    select distinct
        versions.source_name,
        versions.{{ shape.key_column }}

    from {{ offer }} as versions
    inner join pending
        on
            versions.source_table = pending.source_table
            and versions.load_id = pending.load_id

),
{%- endfor %}

-- all versions of a touched record: each may have named somebody else. And versions that are gone: what stands instead finds its own
-- people by the events that it implies.
dirty_records as (

    {%- for offer, shape in record_offers().items() %}

    select
        {{ record_key(offer, 'versions.') }} as record_key,
        {{ quoted(offer) }} as offer,
        versions.source_name,
        versions.{{ shape.key_column }} as record_id,
        {{- record_identifiers(shape) }}

    from {{ offer }} as versions
    inner join {{ offer }}_touched as touched
        on
            versions.source_name = touched.source_name
            and versions.{{ shape.key_column }} = touched.{{ shape.key_column }}

    union
    {%- endfor %}

    select
        md5(offer || '|' || source_name || '|' || record_id) as record_key,
        offer,
        source_name,
        record_id,
        {{ identifier_classes() | join(',\n        ') }}
    from {{ ref('int_rows_replaced') }}
    where offer not in ('events', 'identity_evidence')

)

select * from dirty_records
