with

stays as (

    select * from {{ ref('int_stage_stays') }}

),

as_of as (

    select as_of_at from {{ ref('int_as_of') }}

),

stages as (

    select
        stage,
        cast(stage_number as integer) as stage_number

    from {{ ref('stages') }}

),

-- dormancy, or a cancellation that holds from the end of the paid period, can lie in the future: the last stay is then open at as_of
stays_cut as (

    select
        stays.*,
        stays.ended_at > as_of.as_of_at
        and lead(stays.stay_number) over (
            partition by stays.person_id
            order by stays.stay_number
        ) is null as is_open

    from stays
    cross join as_of

),

fct_stage_periods as (

    select
        {{ key_of(['stays_cut.person_id', 'stays_cut.stay_number']) }} as stage_period_id,
        stays_cut.person_id,
        cast(stays_cut.stay_number as bigint) as stay_number,
        stages.stage,
        cast(stays_cut.stage_number as bigint) as stage_number,
        stays_cut.started_at,
        case when not stays_cut.is_open then stays_cut.ended_at end as ended_at,
        stays_cut.last_activity_at,
        stays_cut.entry_reason,
        case when not stays_cut.is_open then stays_cut.exit_reason end as exit_reason,
        stays_cut.is_open,
        case when not stays_cut.is_open then {{ elapsed_seconds('stays_cut.started_at', 'stays_cut.ended_at') }} end as duration_seconds

    from stays_cut
    inner join stages on stays_cut.stage_number = stages.stage_number

)

select * from fct_stage_periods
