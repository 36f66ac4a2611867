with

owned as (

    select 'fct_sessions' as table_name, session_id as row_id, person_id from {{ ref('fct_sessions') }}
    union all
    select 'fct_touchpoints' as table_name, touchpoint_id as row_id, person_id from {{ ref('fct_touchpoints') }}
    union all
    select 'fct_conversions' as table_name, conversion_id as row_id, person_id from {{ ref('fct_conversions') }}
    union all
    select 'fct_stage_periods' as table_name, stage_period_id as row_id, person_id from {{ ref('fct_stage_periods') }}
    union all
    select 'bridge_person_identifiers' as table_name, identifier_id as row_id, person_id from {{ ref('bridge_person_identifiers') }}

)

select owned.*
from owned
left join {{ ref('dim_persons') }} as persons on owned.person_id = persons.person_id
where persons.person_id is null
