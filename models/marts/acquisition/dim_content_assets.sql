with

assets as (

    select
        *,
        row_number() over (
            partition by asset_id
            order by updated_at desc nulls last, source_name asc
        ) as version_number

    from {{ ref('int_content_assets_deduplicated') }}

),

dim_content_assets as (

    select
        asset_id,
        asset_type,
        title,
        page_path,
        published_at

    from assets
    where version_number = 1

)

select * from dim_content_assets
