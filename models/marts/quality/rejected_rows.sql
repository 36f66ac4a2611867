with

rejects as (

    {%- for offer in known_offers() %}

    select
        {{ quoted(offer) }} as offer,
        source_name,
        source_table,
        load_id,
        loaded_at,
        reject_reason,
        raw_row_id

    from {{ ref('int_' ~ offer ~ '_unioned') }}
    where reject_reason is not null

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

rejected_rows as (

    select
        {{ key_of(['source_table', 'load_id', 'raw_row_id', 'reject_reason']) }} as rejected_row_id,
        source_name,
        source_table,
        load_id,
        max(loaded_at) as loaded_at,
        offer,
        reject_reason,
        raw_row_id,
        count(*) as row_count

    from rejects
    group by source_name, source_table, load_id, offer, reject_reason, raw_row_id

)

select * from rejected_rows
