with

movements as (

    select
        person_id,
        {{ period_start('month', 'occurred_date') }} as month_start_date,
        {%- for movement in ['new', 'expansion', 'contraction', 'churn', 'reactivation'] %}
        sum(case when movement = '{{ movement }}' then mrr_change_amount else 0 end) as {{ movement }}_amount,
        {%- endfor %}
        sum(mrr_change_amount) as change_amount

    from {{ ref('fct_subscription_events') }}
    where movement <> 'trial_started'
    group by person_id, {{ period_start('month', 'occurred_date') }}

),

balances as (

    select
        *,
        sum(change_amount) over (
            partition by person_id
            order by month_start_date
            rows between unbounded preceding and current row
        ) as end_amount

    from movements

),

fct_person_mrr_months as (

    select
        {{ key_of(['person_id', 'month_start_date']) }} as person_mrr_month_id,
        person_id,
        month_start_date,
        cast(end_amount - change_amount as decimal(18, 4)) as mrr_start_amount,
        {%- for movement in ['new', 'expansion', 'contraction', 'churn', 'reactivation'] %}
        cast({{ movement }}_amount as decimal(18, 4)) as mrr_{{ movement }}_amount,
        {%- endfor %}
        cast(end_amount as decimal(18, 4)) as mrr_end_amount

    from balances

)

select * from fct_person_mrr_months
