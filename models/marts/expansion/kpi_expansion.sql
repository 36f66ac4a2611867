with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

months as (

    select distinct month_start_date from {{ ref('dim_dates') }}

),

offers as (

    select
        *,
        {{ period_start('month', 'offered_date') }} as month_start_date,
        accepted_at <= {{ add_seconds('offered_at', 30 * 86400) }} as is_accepted_30d,
        case when offer_type = 'seats' then quantity end as seat_count

    from {{ ref('fct_offers') }}

),

offers_in_rows as (

    select person_id, month_start_date, offer_type, is_accepted_30d, seat_count, amount from offers
    union all
    select person_id, month_start_date, 'all' as offer_type, is_accepted_30d, seat_count, amount from offers

),

offer_counts as (

    select
        offers_in_rows.month_start_date,
        offers_in_rows.offer_type,
        segments.segment_type,
        segments.segment_value,
        count(*) as offered_count,
        sum(case when offers_in_rows.is_accepted_30d then 1 else 0 end) as accepted_count,
        count(distinct case when offers_in_rows.is_accepted_30d then offers_in_rows.person_id end) as accepting_person_count,
        sum(case when offers_in_rows.is_accepted_30d then offers_in_rows.seat_count end) as seat_count,
        sum(case when offers_in_rows.is_accepted_30d then offers_in_rows.amount end) as accepted_amount

    from offers_in_rows
    {{ join_segments('offers_in_rows.person_id') }}
    group by offers_in_rows.month_start_date, offers_in_rows.offer_type, segments.segment_type, segments.segment_value

),

-- who paid at some time of the month could be sold more
payers as (

    select distinct
        months.month_start_date,
        events.person_id

    from {{ ref('fct_subscription_events') }} as events
    inner join months
        on
            events.mrr_after_amount > 0
            and events.occurred_date < {{ next_month('months.month_start_date') }}
            and (events.next_movement_at is null or {{ local_date('events.next_movement_at') }} >= months.month_start_date)

),

payer_counts as (

    select
        payers.month_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as eligible_count

    from payers
    {{ join_segments('payers.person_id') }}
    group by payers.month_start_date, segments.segment_type, segments.segment_value

),

upgrades as (

    select
        {{ period_start('month', 'events.occurred_date') }} as month_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as upgrade_count,
        count(distinct events.person_id) as upgrading_person_count,
        sum(events.mrr_change_amount) as expansion_mrr_amount

    from {{ ref('fct_subscription_events') }} as events
    {{ join_segments('events.person_id') }}
    where events.movement = 'expansion'
    group by {{ period_start('month', 'events.occurred_date') }}, segments.segment_type, segments.segment_value

),

renewals as (

    select
        {{ period_start('month', 'terms.due_date') }} as month_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as renewed_count

    from {{ ref('fct_subscription_terms') }} as terms
    {{ join_segments('terms.person_id') }}
    where terms.is_renewed
    group by {{ period_start('month', 'terms.due_date') }}, segments.segment_type, segments.segment_value

),

spine as (

    select month_start_date, 'all' as offer_type, segment_type, segment_value from payer_counts
    union
    select month_start_date, offer_type, segment_type, segment_value from offer_counts
    union
    select month_start_date, 'all' as offer_type, segment_type, segment_value from upgrades
    union
    select month_start_date, 'all' as offer_type, segment_type, segment_value from renewals

),

-- no offer that any source told of: no zero
coverage as (

    select min(month_start_date) as first_month_date from offers

),

measured as (

    select
        spine.*,
        case when coverage.first_month_date <= spine.month_start_date then coalesce(offer_counts.offered_count, 0) end as offered_count,
        case when coverage.first_month_date <= spine.month_start_date then coalesce(offer_counts.accepted_count, 0) end as accepted_count,
        case
            when coverage.first_month_date <= spine.month_start_date then coalesce(offer_counts.accepting_person_count, 0)
        end as accepting_person_count,
        case when coverage.first_month_date <= spine.month_start_date then coalesce(offer_counts.seat_count, 0) end as seat_count,
        case when coverage.first_month_date <= spine.month_start_date then coalesce(offer_counts.accepted_amount, 0) end as accepted_amount,
        coalesce(payer_counts.eligible_count, 0) as eligible_count,
        case when spine.offer_type = 'all' then coalesce(upgrades.upgrade_count, 0) end as upgrade_count,
        case when spine.offer_type = 'all' then coalesce(upgrades.upgrading_person_count, 0) end as upgrading_person_count,
        case when spine.offer_type = 'all' then coalesce(upgrades.expansion_mrr_amount, 0) end as expansion_mrr_amount,
        case when spine.offer_type = 'all' then coalesce(renewals.renewed_count, 0) end as renewal_count

    from spine
    cross join coverage
    left join offer_counts
        on
            spine.month_start_date = offer_counts.month_start_date
            and spine.offer_type = offer_counts.offer_type
            and spine.segment_type = offer_counts.segment_type
            and spine.segment_value = offer_counts.segment_value
    {%- for measures in ['payer_counts', 'upgrades', 'renewals'] %}
    left join {{ measures }}
        on
            spine.month_start_date = {{ measures }}.month_start_date
            and spine.segment_type = {{ measures }}.segment_type
            and spine.segment_value = {{ measures }}.segment_value
    {%- endfor %}

),

kpi_expansion as (

    select
        {{ key_of([
            'measured.month_start_date', 'measured.offer_type', 'measured.segment_type', 'measured.segment_value'
        ]) }} as expansion_id,
        measured.month_start_date,
        measured.offer_type,
        measured.segment_type,
        measured.segment_value,
        {{ rate_columns('accepted_30d', 'measured.accepted_count', 'measured.offered_count') }},
        {{ window_is_over(next_month('measured.month_start_date'), 30) }} as accepted_30d_is_mature,
        -- who accepted, of all who paid: who was offered nothing is part of it
        cast(measured.accepting_person_count as bigint) as accepting_person_count,
        cast(measured.eligible_count as bigint) as eligible_count,
        cast(measured.accepting_person_count as double) / nullif(measured.eligible_count, 0) as accepting_per_eligible,
        cast(measured.seat_count as bigint) as seat_count,
        cast(measured.accepted_amount as decimal(18, 4)) as accepted_amount,
        cast(measured.upgrade_count as bigint) as upgrade_count,
        {{ rate_columns(
            'upgrade', 'measured.upgrading_person_count', "case when measured.offer_type = 'all' then measured.eligible_count end"
        ) }},
        cast(measured.renewal_count as bigint) as renewal_count,
        cast(measured.expansion_mrr_amount as decimal(18, 4)) as expansion_mrr_amount,
        {{ next_month('measured.month_start_date') }} <= as_of.as_of_date as is_mature

    from measured
    cross join as_of

)

select * from kpi_expansion
