-- What did promoters and detractors do in the 90 days before they answered? Means per answer, the greatest difference first. People chose
-- what they did, so a difference is a question to ask, not a cause.
with

answers as (

    select
        response_key,
        person_id,
        responded_at,
        score_group

    from {{ ref('fct_survey_responses') }}
    where survey_type = 'nps' and score_group in ('promoter', 'detractor')

),

things as (

    select person_id, occurred_at, 'friction signals' as thing from {{ ref('fct_friction_signals') }}
    union all
    select person_id, opened_at as occurred_at, 'contacts with support' as thing from {{ ref('fct_support_contacts') }}
    union all
    select person_id, started_at as occurred_at, 'sessions' as thing from {{ ref('fct_sessions') }}
    union all
    select person_id, occurred_at, 'changes of channel' as thing from {{ ref('fct_channel_visits') }} where is_switch
    union all
    select person_id, occurred_at, 'things of value done' as thing from {{ ref('fct_events') }} where is_core
    union all
    select person_id, occurred_at, 'invitations sent' as thing from {{ ref('fct_advocacy_events') }} where kind = 'invite_sent'
    union all
    select person_id, occurred_at, 'pages of help read' as thing from {{ ref('fct_help_uses') }} where help_type = 'article'

),

kinds as (

    select distinct thing from things

),

done as (

    select
        answers.response_key,
        things.thing,
        count(*) as thing_count

    from answers
    inner join things
        on
            answers.person_id = things.person_id
            and answers.responded_at > things.occurred_at
            and {{ add_seconds('answers.responded_at', -90 * 86400) }} <= things.occurred_at
    group by answers.response_key, things.thing

),

per_group as (

    select
        kinds.thing,
        count(case when answers.score_group = 'promoter' then 1 end) as promoter_count,
        count(case when answers.score_group = 'detractor' then 1 end) as detractor_count,
        avg(case when answers.score_group = 'promoter' then coalesce(done.thing_count, 0) end) as promoter_mean,
        avg(case when answers.score_group = 'detractor' then coalesce(done.thing_count, 0) end) as detractor_mean

    from answers
    cross join kinds
    left join done on answers.response_key = done.response_key and kinds.thing = done.thing
    group by kinds.thing

)

select
    thing,
    promoter_count,
    detractor_count,
    promoter_mean,
    detractor_mean,
    promoter_mean / nullif(detractor_mean, 0) as promoter_to_detractor_ratio

from per_group
order by abs(ln(nullif(promoter_mean, 0) / nullif(detractor_mean, 0))) desc nulls last, thing asc
