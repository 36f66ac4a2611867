with

responses as (

    select
        *,
        -- an answer without an invitation stands for itself
        case
            when invited_at is not null then {{ record_event_id('survey_responses', 'survey_invited') }}
            else {{ record_event_id('survey_responses', 'survey_responded') }}
        end as event_id,
        coalesce(invited_at, responded_at) as asked_at

    from {{ ref('int_survey_responses_deduplicated') }}

),

fct_survey_responses as (

    select
        responses.record_key as response_key,
        responses.source_name,
        responses.response_id,
        events.person_id,
        responses.survey,
        responses.survey_type,
        responses.wave,
        responses.invited_at,
        responses.asked_at,
        {{ local_date('responses.asked_at') }} as asked_date,
        case when responses.score is not null then coalesce(responses.responded_at, responses.asked_at) end as responded_at,
        cast(responses.score as bigint) as score,
        case
            when responses.score is null then null
            when responses.survey_type = 'nps' and responses.score >= 9 then 'promoter'
            when responses.survey_type = 'nps' and responses.score >= 7 then 'passive'
            when responses.survey_type = 'nps' then 'detractor'
            when responses.survey_type = 'csat' and responses.score >= 4 then 'satisfied'
            when responses.survey_type = 'csat' then 'not_satisfied'
            when responses.score >= 5 then 'easy'
            else 'not_easy'
        end as score_group,
        stage_periods.stage

    from responses
    inner join {{ ref('int_events_identified') }} as events on responses.event_id = events.event_id
    {{ join_stage_at('events.person_id', 'responses.asked_at') }}

)

select * from fct_survey_responses
