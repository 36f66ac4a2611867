{{ config(materialized='incremental', pre_hook='{{ clear_loads() }}', post_hook='{{ record_loads() }}') }}

{{ union_sources('accounts') }}
