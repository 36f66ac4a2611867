with

loads as (

    select * from {{ ref('int_loads_unioned') }}

),

as_of as (

    select
        {% if var('as_of') -%}
        cast({{ quoted(var('as_of')) }} as timestamp) as as_of_at
        {%- else -%}
        -- files without a load time: the last thing that happened
        coalesce(
            max(loaded_at),
            (select max(events.occurred_at) from {{ ref('int_events_unioned') }} as events where events.reject_reason is null)
        ) as as_of_at
        {%- endif %}

    from loads

)

select
    as_of_at,
    {{ local_date('as_of_at') }} as as_of_date

from as_of
