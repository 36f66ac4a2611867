{{ config(
    materialized='incremental',
    pre_hook="{{ clear_keys('record_key', 'int_dirty_records') }}",
    post_hook="{{ record_loads() }}"
) }}

{{ newest_records('accounts') }}
