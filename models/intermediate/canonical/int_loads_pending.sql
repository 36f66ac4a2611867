{{ config(post_hook="{{ forget_where_most_is_replaced() }}") }}

-- the ledger is written by the models themselves, so it stands in no ref()
with

loads as (

    select * from {{ ref('int_loads_unioned') }}

),

incremental_models as (

    {%- for name in incremental_models() %}
    select cast({{ quoted(name) }} as {{ dbt.type_string() }}) as model_name
    {{ 'union all' if not loop.last }}
    {%- else %}
    select cast(null as {{ dbt.type_string() }}) as model_name where 1 = 0
    {%- endfor %}

),

seen as (

    select
        model_name,
        source_table,
        load_id,
        row_count,
        newest_us

    from {{ ledger_relation() }}

),

-- a model without an entry builds its whole table, whatever is pending
built_models as (

    select distinct incremental_models.model_name
    from incremental_models
    inner join seen on incremental_models.model_name = seen.model_name

),

loads_of_models as (

    select
        loads.source_name,
        loads.source_table,
        loads.load_id,
        loads.row_count,
        {{ newest_us('loads.loaded_at') }} as newest_us,
        seen.row_count as seen_row_count,
        seen.newest_us as seen_newest_us

    from loads
    cross join built_models
    left join seen
        on
            built_models.model_name = seen.model_name
            and loads.source_table = seen.source_table
            and loads.load_id = seen.load_id

),

-- seen once, gone now: also a change of what lies there
vanished as (

    select
        split_part(seen.source_table, '.', 1) as source_name,
        seen.source_table,
        seen.load_id,
        cast(0 as bigint) as row_count,
        cast(0 as bigint) as newest_us,
        seen.row_count as seen_row_count,
        seen.newest_us as seen_newest_us

    from seen
    inner join built_models on seen.model_name = built_models.model_name
    left join loads
        on
            seen.source_table = loads.source_table
            and seen.load_id = loads.load_id
    where loads.load_id is null

),

loads_pending as (

    select
        source_name,
        source_table,
        load_id,
        max(row_count) as row_count,
        max(seen_row_count) as seen_row_count

    from (
        select * from loads_of_models
        union all
        select * from vanished
    ) as candidates

    where seen_row_count is null or row_count <> seen_row_count or newest_us <> seen_newest_us
    group by source_name, source_table, load_id

)

select * from loads_pending
