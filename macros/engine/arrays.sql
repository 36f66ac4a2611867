{# What only lists can do: the steps of a walk in which each hangs on the one before. #}

{#
  Takes rows in turn, as a turnstile lets people through: a row is taken where the row taken last is free again, and fewer than `cap` have been taken. A query.

  Grain    one row per group and row taken.
  Columns  the group columns; place.
  relation one row per group and turn.
  place    the order of the turns, a bigint unique in the group.
  at_us    when a turn is, microseconds that grow with place.
  free_place, free_us  the row taken next has at least this place and this moment; NULL = after this row none is taken.
  cap      how many are taken at most, by the row that is to be taken; NULL = no limit.
  where    which rows are in it at all.

  A fold over a sorted list: which row is taken hangs on the one taken before it, so windows cannot say it, and a join per row taken has no bound. Where all
  rows before are free again a new list begins, so lists are short; not where a cap counts on.
#}
{% macro taken_in_turn(relation, group_columns, place, at_us, free_place, free_us, cap, where) -%}
{%- set groups = group_columns | join(', ') -%}
{%- set end_of_time = 'cast(9000000000000000000 as bigint)' -%}
{%- set walks -%}
(
    select
        {{ groups }}, place, at_us, free_place, free_us, cap,
        cast(sum(case when greatest_cap is null and at_us >= free_us_before and place >= free_place_before then 1 else 0 end) over (
            partition by {{ groups }}
            order by place
            rows between unbounded preceding and current row
        ) as bigint) as walk_number

    from (
        select
            turns.*,
            max(coalesce(free_us, {{ end_of_time }})) over earlier as free_us_before,
            max(coalesce(free_place, {{ end_of_time }})) over earlier as free_place_before,
            max(cap) over (partition by {{ groups }}) as greatest_cap

        from (
            select
                {{ groups }},
                {{ place }} as place,
                {{ at_us }} as at_us,
                {{ free_place }} as free_place,
                {{ free_us }} as free_us,
                {{ cap }} as cap

            from {{ relation }}
            where {{ where }}
        ) as turns
        window earlier as (
            partition by {{ groups }}
            order by place
            rows between unbounded preceding and 1 preceding
        )
    ) as with_before
) as walks_of_rows
{%- endset -%}
select {{ groups }}, place
from (
    {{ walked(walks, group_columns + ['walk_number'], end_of_time) | indent(4) }}
) as walks_taken
{%- endmacro %}

{% macro walked(relation, group_columns, end_of_time) %}{{ return(adapter.dispatch('walked', 'customer_journey')(relation, group_columns, end_of_time)) }}{% endmacro %}
{% macro default__walked(relation, group_columns, end_of_time) -%}
select
    {{ group_columns | join(', ') }},
    unnest(walk.taken) as place

from (
    select
        {{ group_columns | join(', ') }},
        list_reduce(
            list(struct_pack(
                place := place,
                at_us := at_us,
                free_place := coalesce(free_place, {{ end_of_time }}),
                free_us := coalesce(free_us, {{ end_of_time }}),
                cap := coalesce(cap, {{ end_of_time }}),
                taken := cast([] as bigint[])
            ) order by place),
            lambda walk, turn: case
                when turn.place >= walk.free_place and turn.at_us >= walk.free_us and len(walk.taken) < turn.cap
                    then struct_pack(
                        place := turn.place,
                        at_us := turn.at_us,
                        free_place := turn.free_place,
                        free_us := turn.free_us,
                        cap := turn.cap,
                        taken := list_append(walk.taken, turn.place)
                    )
                else walk
            end,
            struct_pack(
                place := cast(0 as bigint),
                at_us := cast(0 as bigint),
                free_place := -{{ end_of_time }},
                free_us := -{{ end_of_time }},
                cap := cast(0 as bigint),
                taken := cast([] as bigint[])
            )
        ) as walk

    from {{ relation }}
    group by {{ group_columns | join(', ') }}
) as walks
{%- endmacro %}
{# Spark's own fold may start from a state of another shape. #}
{% macro spark__walked(relation, group_columns, end_of_time) -%}
select
    {{ group_columns | join(', ') }},
    explode(walk.taken) as place

from (
    select
        {{ group_columns | join(', ') }},
        aggregate(
            array_sort(collect_list(named_struct(
                'place', place,
                'at_us', at_us,
                'free_place', coalesce(free_place, {{ end_of_time }}),
                'free_us', coalesce(free_us, {{ end_of_time }}),
                'cap', coalesce(cap, {{ end_of_time }})
            ))),
            named_struct('free_place', -{{ end_of_time }}, 'free_us', -{{ end_of_time }}, 'taken', cast(array() as array<bigint>)),
            (walk, turn) -> if(
                turn.place >= walk.free_place and turn.at_us >= walk.free_us and size(walk.taken) < turn.cap,
                named_struct('free_place', turn.free_place, 'free_us', turn.free_us, 'taken', concat(walk.taken, array(turn.place))),
                walk
            )
        ) as walk

    from {{ relation }}
    group by {{ group_columns | join(', ') }}
) as walks
{%- endmacro %}
{# PostgreSQL has no fold, but aggregates of one's own. #}
{% macro postgres__walked(relation, group_columns, end_of_time) -%}
select
    {{ group_columns | join(', ') }},
    unnest(taken) as place

from (
    select
        {{ group_columns | join(', ') }},
        walk(
            cast(place as bigint),
            cast(at_us as bigint),
            cast(coalesce(free_place, {{ end_of_time }}) as bigint),
            cast(coalesce(free_us, {{ end_of_time }}) as bigint),
            cast(coalesce(cap, {{ end_of_time }}) as bigint)
            order by place
        ) as taken

    from {{ relation }}
    group by {{ group_columns | join(', ') }}
) as walks
{%- endmacro %}
