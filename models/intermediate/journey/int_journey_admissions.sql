-- Who is let in hangs on who was let in before: somebody is on a journey once at a time, whatever its version.
-- Whoever comes next comes after the participation and its pause.
{{ taken_in_turn(
    ref('int_journey_prospects'),
    ['person_id', 'journey'],
    place='place',
    at_us='occurred_us',
    free_place='case when end_us is not null then coalesce(end_place, 0) end',
    free_us='end_us + pause_us + case when end_place is null then 1 else 0 end',
    cap='cap',
    where='exclusion_reason is null'
) }}
