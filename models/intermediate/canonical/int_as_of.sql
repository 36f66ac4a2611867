with

loads as (

    select * from {{ ref('int_loads_unioned') }}

),

undated as (

    select max(occurred_at) as occurred_at
    from {{ ref('int_events_unioned') }}
    where loaded_at is null and reject_reason is null

),

as_of as (

    select
        {% if var('as_of') -%}
        -- also where nothing has been loaded
        cast({{ quoted(var('as_of')) }} as timestamp) as as_of_at
        {%- else -%}
        -- rows without a load time: the last thing that happened in them
        greatest(
            max(loads.loaded_at),
            max(undated.occurred_at)
        ) as as_of_at

    from loads
    cross join undated
        {%- endif %}

)

select
    as_of_at,
    {{ local_date('as_of_at') }} as as_of_date

from as_of
