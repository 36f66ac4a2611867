with

dim_as_of as (

    select
        as_of_at,
        as_of_date

    from {{ ref('int_as_of') }}

)

select * from dim_as_of
