{%- set thresholds = [1, 2, 3, 5, 10] %}
with

as_of as (

    select * from {{ ref('dim_as_of') }}

),

persons as (

    select
        persons.person_id,
        persons.signed_up_at,
        persons.habit_formed_at,
        {{ local_date('persons.signed_up_at') }} as signed_up_date

    from {{ ref('dim_persons') }} as persons
    inner join as_of on as_of.as_of_at >= {{ add_seconds('persons.signed_up_at', 30 * 86400) }}

),

-- the sign-up itself is where people are followed from
outcome_goals as (

    select goal
    from {{ ref('goals') }}
    group by goal
    having max(case when event_name = 'signed_up' then 1 else 0 end) = 0

),

outcome_moments as (

    select
        conversions.goal as outcome,
        conversions.person_id,
        min(conversions.occurred_at) as reached_at

    from {{ ref('fct_conversions') }} as conversions
    inner join outcome_goals on conversions.goal = outcome_goals.goal
    group by conversions.goal, conversions.person_id

    union all

    select
        'habit_formed' as outcome,
        person_id,
        habit_formed_at as reached_at

    from persons
    where habit_formed_at is not null

    union all

    select
        'active_week_4' as outcome,
        persons.person_id,
        min(days.first_event_at) as reached_at

    from persons
    inner join {{ ref('fct_person_days') }} as days
        on
            persons.person_id = days.person_id
            and {{ add_days('persons.signed_up_date', 21) }} <= days.active_date
            and {{ add_days('persons.signed_up_date', 27) }} >= days.active_date
    group by persons.person_id

),

outcomes as (

    select goal as outcome from outcome_goals
    union all
    select 'habit_formed' as outcome
    union all
    select 'active_week_4' as outcome

),

-- whoever had it before he signed up cannot be led to it
population as (

    select
        outcomes.outcome,
        persons.person_id,
        persons.signed_up_at,
        case
            when outcome_moments.reached_at <= {{ add_seconds('persons.signed_up_at', 30 * 86400) }} then outcome_moments.reached_at
        end as reached_at

    from persons
    cross join outcomes
    left join outcome_moments on persons.person_id = outcome_moments.person_id and outcomes.outcome = outcome_moments.outcome
    where outcome_moments.reached_at is null or outcome_moments.reached_at > persons.signed_up_at

),

totals as (

    select
        outcome,
        count(*) as person_count,
        count(reached_at) as reached_count

    from population
    group by outcome

),

early_events as (

    select
        events.person_id,
        events.event_name,
        events.occurred_at

    from {{ ref('fct_events') }} as events
    inner join persons on events.person_id = persons.person_id
    where
        events.is_interactive
        and events.event_name <> 'signed_up'
        and events.occurred_at >= persons.signed_up_at
        and events.occurred_at <= {{ add_seconds('persons.signed_up_at', 7 * 86400) }}

),

behaviours as (

    select
        population.outcome,
        population.person_id,
        case when population.reached_at is not null then 1 else 0 end as is_reached,
        early_events.event_name as behaviour,
        count(*) as event_count

    from population
    inner join early_events
        on
            population.person_id = early_events.person_id
            and (population.reached_at is null or population.reached_at > early_events.occurred_at)
    group by population.outcome, population.person_id, population.reached_at, early_events.event_name

),

adopters as (

    {%- for threshold in thresholds %}

    select
        outcome,
        behaviour,
        {{ threshold }} as threshold,
        sum(is_reached) as tp,
        sum(1 - is_reached) as fp

    from behaviours
    where event_count >= {{ threshold }}
    group by outcome, behaviour
    having count(*) >= 5

    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

cells as (

    select
        adopters.outcome,
        adopters.behaviour,
        adopters.threshold,
        adopters.tp,
        adopters.fp,
        totals.reached_count - adopters.tp as fn,
        totals.person_count - totals.reached_count - adopters.fp as tn

    from adopters
    inner join totals on adopters.outcome = totals.outcome

),

measured as (

    select
        *,
        {{ phi_coefficient('tp', 'fp', 'fn', 'tn') }} as phi,
        {{ association_lift('tp', 'fp', 'fn', 'tn') }} as lift_ratio

    from cells

),

-- the chi-square of such a table is n phi^2
with_chi_square as (

    select
        *,
        (tp + fp + fn + tn) * phi * phi as chi_square

    from measured

),

tested as (

    select
        *,
        {{ chi_square_sf('chi_square', 1) }} as p_value

    from with_chi_square

),

stepped as (

    select
        *,
        {{ benjamini_hochberg_step('p_value', ['outcome']) }} as p_step,
        row_number() over (
            partition by outcome, behaviour
            order by phi desc nulls last, threshold asc
        ) as phi_rank

    from tested

),

adjusted as (

    select
        *,
        {{ benjamini_hochberg('p_step', 'p_value', ['outcome']) }} as adjusted_p_value

    from stepped

),

with_candidates as (

    select
        *,
        coalesce(adjusted_p_value < 0.05e0 and phi > 0e0 and phi_rank = 1, false) as is_aha_candidate

    from adjusted

),

kpi_behaviour_drivers as (

    select
        {{ key_of(['outcome', 'behaviour', 'threshold']) }} as behaviour_driver_id,
        outcome,
        behaviour,
        cast(threshold as bigint) as threshold,
        cast(tp as bigint) as true_positive_count,
        cast(fp as bigint) as false_positive_count,
        cast(fn as bigint) as false_negative_count,
        cast(tn as bigint) as true_negative_count,
        {{ rate_columns('precision', 'tp', 'tp + fp') }},
        {{ rate_columns('recall', 'tp', 'tp + fn') }},
        {{ rate_columns('without', 'fn', 'fn + tn') }},
        phi,
        lift_ratio,
        p_value,
        adjusted_p_value,
        is_aha_candidate,
        -- nearly all who came there did it, and of the others at most half as many came there as of all
        is_aha_candidate
        and 10 * tp >= 8 * (tp + fn)
        and 2 * fn * (tp + fp + fn + tn) <= (tp + fn) * (fn + tn) as is_make_or_break,
        false as is_causal

    from with_candidates

)

select * from kpi_behaviour_drivers
