with

loads as (

    select * from {{ ref('int_loads_unioned') }}

),

fates as (

    select
        source_table,
        load_id,
        sum(case when fate = 'accepted' then row_count else 0 end) as accepted_row_count,
        sum(case when fate = 'duplicate' then row_count else 0 end) as duplicate_row_count,
        sum(case when fate = 'suppressed' then row_count else 0 end) as suppressed_row_count

    from {{ ref('int_row_fates') }}
    group by source_table, load_id

),

rejects as (

    select
        source_table,
        load_id,
        sum(row_count) as rejected_row_count

    from {{ ref('rejected_rows') }}
    group by source_table, load_id

),

reconciliation as (

    select
        {{ key_of(['loads.source_table', 'loads.load_id']) }} as reconciliation_id,
        loads.source_name,
        loads.source_table,
        loads.load_id,
        loads.loaded_at,
        cast(loads.row_count as bigint) as raw_row_count,
        cast(coalesce(fates.accepted_row_count, 0) as bigint) as accepted_row_count,
        cast(coalesce(fates.duplicate_row_count, 0) as bigint) as duplicate_row_count,
        cast(coalesce(rejects.rejected_row_count, 0) as bigint) as rejected_row_count,
        cast(coalesce(fates.suppressed_row_count, 0) as bigint) as suppressed_row_count,
        loads.row_count = (
            coalesce(fates.accepted_row_count, 0) + coalesce(fates.duplicate_row_count, 0)
            + coalesce(rejects.rejected_row_count, 0) + coalesce(fates.suppressed_row_count, 0)
        ) as is_balanced

    from loads
    left join fates
        on
            loads.source_table = fates.source_table
            and loads.load_id = fates.load_id
    left join rejects
        on
            loads.source_table = rejects.source_table
            and loads.load_id = rejects.load_id

)

select * from reconciliation
