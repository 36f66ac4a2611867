-- Where an attempt has to be over before the next begins, which first step begins one hangs on the attempts before.
{{ taken_in_turn(
    ref('int_funnel_attempts'),
    ['funnel', 'unit_id', 'held_value'],
    place='start_place',
    at_us='start_us',
    free_place='case when is_complete then last_place + 1 else 0 end',
    free_us='case when is_complete then start_us else limit_us + 1 end',
    cap='cast(null as bigint)',
    where="restart = 'after_end'"
) }}
