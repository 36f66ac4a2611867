{%- set kinds = ['invite_sent', 'invite_accepted', 'review_written', 'mention'] -%}

with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

events as (

    select
        *,
        {{ period_start('month', 'occurred_date') }} as month_start_date

    from {{ ref('fct_advocacy_events') }}

),

kinds_told as (

    select
        {%- for kind in kinds %}
        sum(case when kind = '{{ kind }}' then 1 else 0 end) as {{ kind }}_count{{ ',' if not loop.last }}
        {%- endfor %}

    from events

),

active_counts as (

    select
        active.month_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as active_count

    from (
        select distinct
            days.person_id,
            {{ period_start('month', 'days.active_date') }} as month_start_date

        from {{ ref('fct_person_days') }} as days
        inner join {{ ref('dim_persons') }} as persons on days.person_id = persons.person_id
        where persons.is_known
    ) as active
    {{ join_segments('active.person_id') }}
    group by active.month_start_date, segments.segment_type, segments.segment_value

),

event_counts as (

    select
        events.month_start_date,
        segments.segment_type,
        segments.segment_value,
        {%- for kind in kinds %}
        sum(case when events.kind = '{{ kind }}' then 1 else 0 end) as {{ kind }}_count,
        {%- endfor %}
        count(distinct case when events.kind = 'invite_sent' then events.person_id end) as inviter_count

    from events
    {{ join_segments('events.person_id') }}
    group by events.month_start_date, segments.segment_type, segments.segment_value

),

-- signed up within a week of accepting an invitation, or the other way round
referral_signups as (

    select
        {{ period_start('month', local_date('persons.signed_up_at')) }} as month_start_date,
        segments.segment_type,
        segments.segment_value,
        count(*) as referral_signup_count

    from {{ ref('dim_persons') }} as persons
    {{ join_segments('persons.person_id') }}
    where
        persons.person_id in (
            select events.person_id
            from events
            inner join {{ ref('dim_persons') }} as invited on events.person_id = invited.person_id
            where
                events.kind = 'invite_accepted'
                and events.occurred_at >= {{ add_seconds('invited.signed_up_at', -7 * 86400) }}
                and events.occurred_at <= {{ add_seconds('invited.signed_up_at', 7 * 86400) }}
        )
    group by {{ period_start('month', local_date('persons.signed_up_at')) }}, segments.segment_type, segments.segment_value

),

spine as (

    select month_start_date, segment_type, segment_value from active_counts
    union
    select month_start_date, segment_type, segment_value from event_counts
    union
    select month_start_date, segment_type, segment_value from referral_signups

),

measured as (

    select
        spine.*,
        coalesce(active_counts.active_count, 0) as active_count,
        {%- for kind in kinds %}
        case when kinds_told.{{ kind }}_count > 0 then coalesce(event_counts.{{ kind }}_count, 0) end as {{ kind }}_count,
        {%- endfor %}
        case when kinds_told.invite_sent_count > 0 then coalesce(event_counts.inviter_count, 0) end as inviter_count,
        case when kinds_told.invite_accepted_count > 0 then coalesce(referral_signups.referral_signup_count, 0) end as referral_signup_count

    from spine
    cross join kinds_told
    {%- for measures in ['active_counts', 'event_counts', 'referral_signups'] %}
    left join {{ measures }}
        on
            spine.month_start_date = {{ measures }}.month_start_date
            and spine.segment_type = {{ measures }}.segment_type
            and spine.segment_value = {{ measures }}.segment_value
    {%- endfor %}

),

kpi_advocacy as (

    select
        {{ key_of(['measured.month_start_date', 'measured.segment_type', 'measured.segment_value']) }} as advocacy_id,
        measured.month_start_date,
        measured.segment_type,
        measured.segment_value,
        cast(measured.active_count as bigint) as active_count,
        cast(measured.invite_sent_count as bigint) as invite_sent_count,
        cast(measured.inviter_count as bigint) as inviter_count,
        cast(measured.invite_accepted_count as bigint) as invite_accepted_count,
        cast(measured.invite_accepted_count as double) / nullif(measured.invite_sent_count, 0) as accepted_per_invite,
        cast(measured.referral_signup_count as bigint) as referral_signup_count,
        -- new people per active one: invitations per active person x accepted per invitation
        cast(measured.invite_accepted_count as double) / nullif(measured.active_count, 0) as k_factor,
        cast(measured.review_written_count as bigint) as review_written_count,
        cast(measured.mention_count as bigint) as mention_count,
        {{ next_month('measured.month_start_date') }} <= as_of.as_of_date as is_mature

    from measured
    cross join as_of

)

select * from kpi_advocacy
