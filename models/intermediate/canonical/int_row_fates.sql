-- What became of each raw row, counted per load. The four fates are counted each by its own road: `accepted` from what stands for a key,
-- `duplicate` from the copies that do not, `rejected` from the judgement; that their sum is the number of raw rows is then a test
-- and not a definition.
with

event_fates as (

    select
        source_table,
        load_id,
        case when suppression_reason is null then 'accepted' else 'suppressed' end as fate,
        suppression_reason as reason,
        count(*) as row_count

    from {{ ref('int_events_classified') }}
    where not is_implied
    group by source_table, load_id, suppression_reason

    union all

    select
        source_table,
        load_id,
        'duplicate' as fate,
        'another_copy_stands_for_it' as reason,
        sum(copy_count - case when first_copy_number = 1 then 1 else 0 end) as row_count

    from {{ ref('int_event_duplicates') }}
    group by source_table, load_id

),

keyed_rows as (

    {%- set first_received = 'received_at asc nulls last, loaded_at asc nulls last, load_id asc, source_table asc' %}
    {%- set offers = {
        'identity_links': {'key': 'link_row_id', 'order': first_received},
        'ad_spend': {'key': 'spend_id', 'order': ad_spend_order()}
    } %}
    {%- for offer, shape in record_offers().items() %}
    {%- do offers.update({offer: {'key': shape.key_column, 'order': record_order(offer)}}) %}
    {%- endfor %}
    {%- for offer, how in offers.items() %}

    select
        source_table,
        load_id,
        row_number() over (
            partition by source_name, {{ how.key }}
            order by {{ how.order }}
        ) as row_rank

    from {{ ref('int_' ~ offer ~ '_unioned') }}
    where reject_reason is null

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

row_fates as (

    select source_table, load_id, fate, reason, row_count from event_fates

    union all

    select
        source_table,
        load_id,
        case when row_rank = 1 then 'accepted' else 'duplicate' end as fate,
        case when row_rank > 1 then 'another_copy_stands_for_it' end as reason,
        count(*) as row_count

    from keyed_rows
    group by
        source_table, load_id,
        case when row_rank = 1 then 'accepted' else 'duplicate' end,
        case when row_rank > 1 then 'another_copy_stands_for_it' end

)

select source_table, load_id, fate, reason, cast(row_count as bigint) as row_count from row_fates
