with

bounds as (

    select
        min(events.occurred_date) as first_date,
        max(as_of.as_of_date) as last_date

    from {{ ref('int_events_sessionized') }} as events
    cross join {{ ref('int_as_of') }} as as_of

),

days as (

    {{ days_from_to('bounds', 'first_date', 'last_date') }}

),

dim_dates as (

    select
        date_day,
        {{ period_start('week', 'date_day') }} as week_start_date,
        {{ period_start('month', 'date_day') }} as month_start_date,
        {{ period_start('quarter', 'date_day') }} as quarter_start_date,
        {{ period_start('year', 'date_day') }} as year_start_date,
        {{ days_between(period_start('week', 'date_day'), 'date_day') }} + 1 as iso_weekday_number

    from days

)

select * from dim_dates
