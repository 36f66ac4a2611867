with

uses as (

    select
        events.person_id,
        features.feature,
        events.occurred_date as used_date,
        events.occurred_at

    from {{ ref('int_events_identified') }} as events
    inner join {{ ref('features') }} as features
        on
            {{ fits_taxonomy('features') }}

),

fct_feature_usage as (

    select
        {{ key_of(['person_id', 'feature', 'used_date']) }} as feature_usage_id,
        person_id,
        feature,
        used_date,
        min(occurred_at) as first_used_at,
        max(occurred_at) as last_used_at,
        cast(count(*) as bigint) as use_count

    from uses
    group by person_id, feature, used_date

)

select * from fct_feature_usage
