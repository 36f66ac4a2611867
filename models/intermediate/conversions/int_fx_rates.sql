with

rates as (

    select
        currency_code,
        cast(valid_from as date) as valid_from,
        cast(rate as decimal(18, 8)) as rate

    from {{ ref('fx_rates') }}

),

reporting as (

    select
        valid_from,
        rate,
        coalesce(lead(valid_from) over (order by valid_from), cast('9999-12-31' as date)) as valid_to

    from rates
    where currency_code = {{ quoted(var('reporting_currency')) }}

),

changes as (

    select rates.currency_code, rates.valid_from from rates
    union
    select currencies.currency_code, reporting.valid_from
    from (select distinct currency_code from rates) as currencies
    cross join reporting

),

rates_at_changes as (

    select
        changes.currency_code,
        changes.valid_from,
        rates.rate,
        row_number() over (
            partition by changes.currency_code, changes.valid_from
            order by rates.valid_from desc
        ) as age

    from changes
    inner join rates on changes.currency_code = rates.currency_code and changes.valid_from >= rates.valid_from

),

-- the cross rate is rounded once, here, to 8 decimals: from there on money is decimal arithmetic
fx_rates as (

    select
        rates_at_changes.currency_code,
        rates_at_changes.valid_from,
        coalesce(
            lead(rates_at_changes.valid_from) over (
                partition by rates_at_changes.currency_code
                order by rates_at_changes.valid_from
            ),
            cast('9999-12-31' as date)
        ) as valid_to,
        cast(round(cast(rates_at_changes.rate as double) / cast(reporting.rate as double), 8) as decimal(18, 8)) as rate

    from rates_at_changes
    inner join reporting
        on
            rates_at_changes.valid_from >= reporting.valid_from
            and rates_at_changes.valid_from < reporting.valid_to
    where rates_at_changes.age = 1

)

select * from fx_rates
