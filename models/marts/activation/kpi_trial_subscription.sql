with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

months as (

    select distinct month_start_date from {{ ref('dim_dates') }}

),

persons as (

    select
        persons.*,
        segments.segment_type,
        segments.segment_value

    from {{ ref('dim_persons') }} as persons
    {{ join_segments('persons.person_id') }}

),

segments_seen as (

    select distinct
        segment_type,
        segment_value

    from persons

),

first_starts as (

    select
        person_id,
        min(occurred_at) as subscribed_at

    from {{ ref('fct_conversions') }}
    where goal = 'subscription'
    group by person_id

),

signups as (

    select
        {{ period_start('month', local_date('persons.signed_up_at')) }} as month_start_date,
        persons.segment_type,
        persons.segment_value,
        count(*) as signup_count,
        sum(case
            when persons.trial_started_at >= persons.signed_up_at
                and persons.trial_started_at <= {{ add_seconds('persons.signed_up_at', 30 * 86400) }} then 1
            else 0
        end) as signup_trial_count,
        sum(case
            when first_starts.subscribed_at >= persons.signed_up_at
                and first_starts.subscribed_at <= {{ add_seconds('persons.signed_up_at', 30 * 86400) }} then 1
            else 0
        end) as signup_subscription_count

    from persons
    left join first_starts on persons.person_id = first_starts.person_id
    where persons.signed_up_at is not null
    group by {{ period_start('month', local_date('persons.signed_up_at')) }}, persons.segment_type, persons.segment_value

),

trials as (

    select
        {{ period_start('month', local_date('persons.trial_started_at')) }} as month_start_date,
        persons.segment_type,
        persons.segment_value,
        count(*) as trial_count,
        sum(case
            when first_starts.subscribed_at >= persons.trial_started_at
                and first_starts.subscribed_at <= {{ add_seconds('persons.trial_started_at', 30 * 86400) }} then 1
            else 0
        end) as trial_converted_count

    from persons
    left join first_starts on persons.person_id = first_starts.person_id
    where persons.trial_started_at is not null
    group by {{ period_start('month', local_date('persons.trial_started_at')) }}, persons.segment_type, persons.segment_value

),

month_movements as (

    select
        months.month_start_date,
        segments.segment_type,
        segments.segment_value,
        {%- for movement in ['new', 'expansion', 'contraction', 'churn', 'reactivation'] %}
        sum(months.mrr_{{ movement }}_amount) as {{ movement }}_amount,
        {%- endfor %}
        sum(months.mrr_end_amount - months.mrr_start_amount) as change_amount,
        sum(case when months.mrr_start_amount > 0 and months.mrr_end_amount = 0 then 1 else 0 end) as churned_count,
        sum(case when months.mrr_start_amount = 0 and months.mrr_end_amount > 0 then 1 else 0 end) as gained_count,
        -- of what was there at the month's start, what was lost
        sum(months.mrr_start_amount - least(months.mrr_start_amount, months.mrr_end_amount)) as lost_amount,
        sum(case when months.mrr_start_amount > 0 then months.mrr_end_amount - months.mrr_start_amount else 0 end) as kept_change_amount

    from {{ ref('fct_person_mrr_months') }} as months
    {{ join_segments('months.person_id') }}
    group by months.month_start_date, segments.segment_type, segments.segment_value

),

terms as (

    select
        {{ period_start('month', 'terms.due_date') }} as month_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as due_count,
        sum(case when terms.is_renewed then 1 else 0 end) as renewed_count

    from {{ ref('fct_subscription_terms') }} as terms
    {{ join_segments('terms.person_id') }}
    group by {{ period_start('month', 'terms.due_date') }}, segments.segment_type, segments.segment_value

),

spine as (

    select
        months.month_start_date,
        segments_seen.segment_type,
        segments_seen.segment_value

    from months
    cross join segments_seen

),

running as (

    select
        spine.month_start_date,
        spine.segment_type,
        spine.segment_value,
        {%- for movement in ['new', 'expansion', 'contraction', 'churn', 'reactivation'] %}
        coalesce(month_movements.{{ movement }}_amount, 0) as {{ movement }}_amount,
        {%- endfor %}
        coalesce(month_movements.churned_count, 0) as churned_count,
        coalesce(month_movements.lost_amount, 0) as lost_amount,
        coalesce(month_movements.kept_change_amount, 0) as kept_change_amount,
        coalesce(sum(month_movements.change_amount) over segment_in_order, 0) as end_amount,
        coalesce(sum(month_movements.change_amount) over segment_in_order, 0)
        - coalesce(month_movements.change_amount, 0) as start_amount,
        coalesce(sum(month_movements.gained_count - month_movements.churned_count) over segment_in_order, 0) as end_count,
        coalesce(sum(month_movements.gained_count - month_movements.churned_count) over segment_in_order, 0)
        - coalesce(month_movements.gained_count - month_movements.churned_count, 0) as start_count

    from spine
    left join month_movements
        on
            spine.month_start_date = month_movements.month_start_date
            and spine.segment_type = month_movements.segment_type
            and spine.segment_value = month_movements.segment_value
    window segment_in_order as (
        partition by spine.segment_type, spine.segment_value
        order by spine.month_start_date
        rows between unbounded preceding and current row
    )

),

kpi_trial_subscription as (

    select
        {{ key_of(['running.month_start_date', 'running.segment_type', 'running.segment_value']) }} as trial_subscription_id,
        running.month_start_date,
        running.segment_type,
        running.segment_value,
        {{ rate_columns('trial_signup_30d', 'coalesce(signups.signup_trial_count, 0)', 'coalesce(signups.signup_count, 0)') }},
        {{ rate_columns('trial_conversion_30d', 'coalesce(trials.trial_converted_count, 0)', 'coalesce(trials.trial_count, 0)') }},
        {{ rate_columns('subscription_30d', 'coalesce(signups.signup_subscription_count, 0)', 'coalesce(signups.signup_count, 0)') }},
        {{ window_is_over(next_month('running.month_start_date'), 30) }} as conversion_30d_is_mature,
        cast(running.start_count as bigint) as start_customer_count,
        cast(running.end_count as bigint) as end_customer_count,
        {{ rate_columns('churn', 'running.churned_count', 'running.start_count') }},
        {{ rate_columns('renewal', 'coalesce(terms.renewed_count, 0)', 'coalesce(terms.due_count, 0)') }},
        cast(running.start_amount as decimal(18, 4)) as mrr_start_amount,
        {%- for movement in ['new', 'expansion', 'contraction', 'churn', 'reactivation'] %}
        cast(running.{{ movement }}_amount as decimal(18, 4)) as mrr_{{ movement }}_amount,
        {%- endfor %}
        cast(running.end_amount as decimal(18, 4)) as mrr_end_amount,
        cast(running.start_amount - running.lost_amount as decimal(18, 4)) as mrr_gross_retained_amount,
        cast(running.start_amount + running.kept_change_amount as decimal(18, 4)) as mrr_net_retained_amount,
        cast(running.start_amount - running.lost_amount as double)
        / nullif(cast(running.start_amount as double), 0) as gross_revenue_retention_ratio,
        cast(running.start_amount + running.kept_change_amount as double)
        / nullif(cast(running.start_amount as double), 0) as net_revenue_retention_ratio,
        {{ next_month('running.month_start_date') }} <= as_of.as_of_date as is_mature

    from running
    {%- for measures in ['signups', 'trials', 'terms'] %}
    left join {{ measures }}
        on
            running.month_start_date = {{ measures }}.month_start_date
            and running.segment_type = {{ measures }}.segment_type
            and running.segment_value = {{ measures }}.segment_value
    {%- endfor %}
    cross join as_of

)

select * from kpi_trial_subscription
