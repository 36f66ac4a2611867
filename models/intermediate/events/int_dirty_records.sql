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

-- all versions of a touched record: each may have named somebody else
dirty_records as (

    {%- for offer, shape in record_offers().items() %}

    select distinct
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

    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from dirty_records
