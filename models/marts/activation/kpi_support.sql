with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

active_in_stages as (

    select * from {{ ref('fct_person_stage_weeks') }}

),

active_counts as (

    select
        active_in_stages.week_start_date,
        active_in_stages.stage,
        segments.segment_type,
        segments.segment_value,
        count(*) as active_count

    from active_in_stages
    {{ join_segments('active_in_stages.person_id') }}
    group by active_in_stages.week_start_date, active_in_stages.stage, segments.segment_type, segments.segment_value

),

contacts as (

    select
        *,
        {{ period_start('week', 'opened_date') }} as week_start_date,
        coalesce(stage, '(none)') as stage_at_contact

    from {{ ref('fct_support_contacts') }}

),

-- each contact counts in its stage and in all stages, for its reason and for all
rows_of as (

    select 'all' as stage_row, 'all' as reason_row
    union all
    select 'all' as stage_row, 'own' as reason_row
    union all
    select 'own' as stage_row, 'all' as reason_row
    union all
    select 'own' as stage_row, 'own' as reason_row

),

contacts_in_rows as (

    select
        contacts.*,
        case rows_of.stage_row when 'all' then 'all' else contacts.stage_at_contact end as stage_shown,
        case rows_of.reason_row when 'all' then 'all' else contacts.reason end as reason_shown

    from contacts
    cross join rows_of

),

contact_counts as (

    select
        contacts_in_rows.week_start_date,
        contacts_in_rows.stage_shown as stage,
        contacts_in_rows.reason_shown as reason,
        segments.segment_type,
        segments.segment_value,
        count(*) as contact_count,
        count(distinct contacts_in_rows.person_id) as contacting_person_count,
        count(distinct active_in_stages.person_id) as active_contacting_count,
        sum(case when contacts_in_rows.contact_type = 'chatbot' then 1 else 0 end) as chatbot_count,
        sum(case when contacts_in_rows.contact_type = 'chatbot' and not contacts_in_rows.is_escalated then 1 else 0 end) as contained_count,
        sum(case when contacts_in_rows.is_complaint then 1 else 0 end) as complaint_count,
        count(contacts_in_rows.csat_score) as csat_count,
        sum(case when contacts_in_rows.csat_score >= 4 then 1 else 0 end) as satisfied_count,
        sum(cast(contacts_in_rows.csat_score as decimal(18, 4))) as csat_sum,
        percentile_cont(0.5) within group (order by contacts_in_rows.first_reply_seconds) as first_reply_seconds_p50,
        percentile_cont(0.5) within group (order by contacts_in_rows.resolution_seconds) as resolution_seconds_p50,
        -- one cost told in a currency without a rate makes the sum unknown; what nobody told is no part of it
        case
            when count(contacts_in_rows.original_cost_amount) = count(contacts_in_rows.cost_amount)
                then coalesce(sum(contacts_in_rows.cost_amount), 0)
        end as cost_amount

    from contacts_in_rows
    {{ join_segments('contacts_in_rows.person_id') }}
    left join active_in_stages
        on
            contacts_in_rows.person_id = active_in_stages.person_id
            and contacts_in_rows.week_start_date = active_in_stages.week_start_date
            and contacts_in_rows.stage_shown = active_in_stages.stage
    group by
        contacts_in_rows.week_start_date, contacts_in_rows.stage_shown, contacts_in_rows.reason_shown,
        segments.segment_type, segments.segment_value

),

-- whoever sought help in the week, and whether he needed somebody for it
seekers as (

    select
        help_uses.person_id,
        {{ period_start('week', 'help_uses.occurred_date') }} as week_start_date,
        coalesce(stage_periods.stage, '(none)') as stage,
        max(case when help_uses.is_human then 1 else 0 end) as needed_somebody

    from {{ ref('fct_help_uses') }} as help_uses
    {{ join_stage_at('help_uses.person_id', 'help_uses.occurred_at') }}
    group by help_uses.person_id, {{ period_start('week', 'help_uses.occurred_date') }}, coalesce(stage_periods.stage, '(none)')

),

seekers_in_stages as (

    select person_id, week_start_date, stage, needed_somebody from seekers

    union all

    select
        person_id,
        week_start_date,
        'all' as stage,
        max(needed_somebody) as needed_somebody

    from seekers
    group by person_id, week_start_date

),

seeker_counts as (

    select
        seekers_in_stages.week_start_date,
        seekers_in_stages.stage,
        segments.segment_type,
        segments.segment_value,
        count(*) as seeker_count,
        sum(1 - seekers_in_stages.needed_somebody) as self_served_count

    from seekers_in_stages
    {{ join_segments('seekers_in_stages.person_id') }}
    group by seekers_in_stages.week_start_date, seekers_in_stages.stage, segments.segment_type, segments.segment_value

),

spine as (

    select week_start_date, stage, 'all' as reason, segment_type, segment_value from active_counts
    union
    select week_start_date, stage, reason, segment_type, segment_value from contact_counts
    union
    select week_start_date, stage, 'all' as reason, segment_type, segment_value from seeker_counts

),

-- before the first contact that any source told of there is no zero, there is nothing
coverage as (

    select min(week_start_date) as first_week_date from contacts

),

measured as (

    select
        spine.*,
        coalesce(active_counts.active_count, 0) as active_count,
        case when coverage.first_week_date <= spine.week_start_date then coalesce(contact_counts.contact_count, 0) end as contact_count,
        case
            when coverage.first_week_date <= spine.week_start_date then coalesce(contact_counts.contacting_person_count, 0)
        end as contacting_person_count,
        case
            when coverage.first_week_date <= spine.week_start_date then coalesce(contact_counts.active_contacting_count, 0)
        end as active_contacting_count,
        coalesce(contact_counts.chatbot_count, 0) as chatbot_count,
        coalesce(contact_counts.contained_count, 0) as contained_count,
        coalesce(contact_counts.complaint_count, 0) as complaint_count,
        coalesce(contact_counts.csat_count, 0) as csat_count,
        coalesce(contact_counts.satisfied_count, 0) as satisfied_count,
        contact_counts.csat_sum,
        contact_counts.first_reply_seconds_p50,
        contact_counts.resolution_seconds_p50,
        case
            when coverage.first_week_date <= spine.week_start_date and contact_counts.contact_count is null then 0
            else contact_counts.cost_amount
        end as cost_amount,
        case when spine.reason = 'all' then coalesce(seeker_counts.seeker_count, 0) end as seeker_count,
        case when spine.reason = 'all' then coalesce(seeker_counts.self_served_count, 0) end as self_served_count

    from spine
    cross join coverage
    left join active_counts
        on
            spine.week_start_date = active_counts.week_start_date
            and spine.stage = active_counts.stage
            and spine.segment_type = active_counts.segment_type
            and spine.segment_value = active_counts.segment_value
    left join contact_counts
        on
            spine.week_start_date = contact_counts.week_start_date
            and spine.stage = contact_counts.stage
            and spine.reason = contact_counts.reason
            and spine.segment_type = contact_counts.segment_type
            and spine.segment_value = contact_counts.segment_value
    left join seeker_counts
        on
            spine.week_start_date = seeker_counts.week_start_date
            and case when spine.reason = 'all' then spine.stage end = seeker_counts.stage
            and spine.segment_type = seeker_counts.segment_type
            and spine.segment_value = seeker_counts.segment_value

),

kpi_support as (

    select
        {{ key_of([
            'measured.week_start_date', 'measured.stage', 'measured.segment_type', 'measured.segment_value', 'measured.reason'
        ]) }} as support_id,
        measured.week_start_date,
        measured.stage,
        measured.segment_type,
        measured.segment_value,
        measured.reason,
        cast(measured.active_count as bigint) as active_count,
        cast(measured.contact_count as bigint) as contact_count,
        100e0 * cast(measured.contact_count as double) / nullif(measured.active_count, 0) as contacts_per_100_active,
        cast(measured.contacting_person_count as bigint) as contacting_person_count,
        -- who wrote without being active in the week is no part of this share
        {{ rate_columns('contact', 'measured.active_contacting_count', 'measured.active_count') }},
        {{ rate_columns('self_service', 'measured.self_served_count', 'measured.seeker_count') }},
        {{ rate_columns('containment', 'measured.contained_count', 'measured.chatbot_count') }},
        {{ rate_columns('complaint', 'measured.complaint_count', 'coalesce(measured.contact_count, 0)') }},
        {{ rate_columns('satisfied', 'measured.satisfied_count', 'measured.csat_count') }},
        cast(measured.csat_sum as double) / nullif(measured.csat_count, 0) as csat_mean,
        cast(measured.first_reply_seconds_p50 as double) as first_reply_seconds_p50,
        cast(measured.resolution_seconds_p50 as double) as resolution_seconds_p50,
        cast(measured.cost_amount as decimal(18, 4)) as cost_amount,
        cast(measured.cost_amount as double) / nullif(measured.active_count, 0) as cost_per_active_amount,
        {{ add_days('measured.week_start_date', 7) }} <= as_of.as_of_date as is_mature

    from measured
    cross join as_of

)

select * from kpi_support
