{{ config(meta={'is_versioned_by_rows': true}) }}

{{ union_sources('loads') }}
