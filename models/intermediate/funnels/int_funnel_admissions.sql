-- Where an attempt has to be over before the next begins, which first step begins one hangs on the attempts before.
with

turns as (

    select
        funnel,
        unit_id,
        held_value,
        start_place as place,
        start_us as at_us,
        case when is_complete then last_place + 1 else 0 end as free_place,
        case when is_complete then start_us else limit_us + 1 end as free_us,
        cast(null as bigint) as cap

    from {{ ref('int_funnel_attempts') }}
    where restart = 'after_end'

),

funnel_admissions as (

    {{ taken_in_turn('turns', ['funnel', 'unit_id', 'held_value']) | indent(4) }}

)

select * from funnel_admissions
