with

signals as (

    select
        *,
        {{ local_date('occurred_at') }} as occurred_date

    from {{ ref('int_person_signals') }}

),

conversions as (

    select
        signals.*,
        goals.goal,
        {{ in_reporting_currency('signals.amount') }} as reporting_amount

    from signals
    inner join {{ ref('goals') }} as goals on signals.event_name = goals.event_name
    {{ join_fx_rates('signals.currency_code', 'signals.occurred_date') }}

),

fct_conversions as (

    select
        {{ key_of(['goal', 'event_id']) }} as conversion_id,
        goal,
        person_id,
        event_id,
        session_id,
        occurred_at,
        occurred_date,
        cast(row_number() over (
            partition by person_id, goal
            order by occurred_at, event_priority, event_id
        ) as bigint) as conversion_number,
        reporting_amount as amount,
        amount as original_amount,
        currency_code as original_currency_code

    from conversions

)

select * from fct_conversions
