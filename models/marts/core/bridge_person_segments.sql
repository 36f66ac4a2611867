with

persons as (

    select * from {{ ref('dim_persons') }}

),

bridge_person_segments as (

    select person_id, 'all' as segment_type, 'all' as segment_value from persons
    union all
    select person_id, 'first_touch_channel_group' as segment_type, first_touch_channel_group as segment_value from persons
    union all
    select person_id, 'first_platform' as segment_type, first_platform as segment_value from persons

)

select
    {{ key_of(['person_id', 'segment_type']) }} as person_segment_id,
    person_id,
    segment_type,
    segment_value

from bridge_person_segments
