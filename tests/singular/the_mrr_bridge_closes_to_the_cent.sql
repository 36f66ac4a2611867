-- start + new + expansion + contraction + churn + reactivation = end, and a month starts where the one before ended
with

bridges as (

    select
        *,
        lag(mrr_end_amount) over (
            partition by segment_type, segment_value
            order by month_start_date
        ) as previous_end_amount

    from {{ ref('kpi_trial_subscription') }}

)

select * from bridges
where
    mrr_start_amount + mrr_new_amount + mrr_expansion_amount + mrr_contraction_amount + mrr_churn_amount + mrr_reactivation_amount
    <> mrr_end_amount
    or mrr_start_amount <> coalesce(previous_end_amount, mrr_start_amount)
    or mrr_start_amount < 0
    or mrr_end_amount < 0
