{#
  Three CTEs for a model that works by event: the usable copies of the events it has to do; repeated_keys (event_id) of those with more than one, most have
  one; and their copies_ranked, with content_hash and copy_number, 1 for the copy that stands: the one received first, then by content, so that the order of
  the rows decides nothing.
#}
{% macro ranked_copies() -%}
copies as {{ kept_where_few() }}(

    select * from {{ ref('int_events_unioned') }}
    where
        reject_reason is null
        {{ where_dirty('event_id', 'int_dirty_events', 'and') }}

),

repeated_keys as (

    select event_id
    from copies
    group by event_id
    having count(*) > 1

),

copies_ranked as (

    select
        *,
        {{ event_content_hash() }} as content_hash,
        row_number() over (
            partition by event_id
            order by
                received_at asc nulls last,
                {{ event_content_hash() }} asc,
                loaded_at asc nulls last,
                load_id asc,
                source_table asc
        ) as copy_number

    from copies
    where event_id in (select repeated_keys.event_id from repeated_keys)

)
{%- endmacro %}
