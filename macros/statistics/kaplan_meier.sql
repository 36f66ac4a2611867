{#
  How long until an event, when some have left before it (censored): the share for whom it has not come yet. E. L. Kaplan, P. Meier, "Nonparametric estimation from
  incomplete observations", JASA 53, 1958. Takes a relation with one row per subject: its groups, how long it was watched (a number), and whether the watch
  ended with the event; NULL counts as no event, a NULL duration is left out. Who leaves at the moment of an event was still at risk.

  The share is not the product of all (n - d) / n but the same rearranged: those left over those at first, times (n - d) / (n - d - c) for each earlier moment
  at which c were censored. Without censoring it is one division; so few logarithms are summed, in the order of time, that 12 decimals are right. It is
  rounded to these: a half is 0.5 then and not the double beside it.
#}

{# A CTE's body, one row per group and time of an event: at_risk, events, survival (a share just after that time). #}
{% macro kaplan_meier(relation, group_columns, duration, is_event) -%}
select
    {{ columns_before(group_columns) }}{{ duration }},
    at_risk,
    events,
    survival

from (
    {{ kaplan_meier_moments(relation, group_columns, duration, is_event) | indent(4) }}
) as moments
where events > 0
{%- endmacro %}

{# A CTE's body, one row per group: `name`, the first duration with survival <= 0.5, in its unit and type; NULL where survival stays above. #}
{% macro kaplan_meier_median(relation, group_columns, duration, is_event, name='median_duration') -%}
select
    {{ columns_before(group_columns) }}min(case when survival <= 0.5e0 then {{ duration }} end) as {{ name }}

from (
    {{ kaplan_meier_moments(relation, group_columns, duration, is_event) | indent(4) }}
) as moments
{{ grouped_by(group_columns) }}
{%- endmacro %}

{#
  One row per group and duration up to the group's last event, also where all who left were censored; of a group without events its first. Who leaves after
  the last event was at risk all the time: he is counted, and neither grouped nor put in order.
#}
{% macro kaplan_meier_moments(relation, group_columns, duration, is_event) -%}
{%- set groups = columns_before(group_columns) -%}
{%- set over_groups = partition_of(group_columns) -%}
select
    {{ groups }}{{ duration }},
    at_risk,
    events,
    floor(1e12 * (at_risk - events) / at_first * exp(coalesce(sum(
        case when leaving > events and at_risk > leaving then ln(cast(at_risk - events as double) / (at_risk - leaving)) else 0e0 end
    ) over ({{ over_groups }} order by {{ duration }} rows between unbounded preceding and 1 preceding), 0e0)) + 0.5e0) / 1e12 as survival

from (
    select
        {{ groups }}{{ duration }}, events, leaving, at_first,
        cast(at_first - coalesce(
            sum(leaving) over ({{ over_groups }} order by {{ duration }} rows between unbounded preceding and 1 preceding), 0
        ) as bigint) as at_risk

    from (
        select
            {{ groups }}{{ duration }}, at_first,
            cast(sum(is_event) as bigint) as events,
            count(*) as leaving

        from (
            select
                {{ groups }}{{ duration }},
                case when {{ is_event }} then 1 else 0 end as is_event,
                count(*) over ({{ over_groups }}) as at_first,
                coalesce(
                    max(case when {{ is_event }} then {{ duration }} end) over ({{ over_groups }}),
                    min({{ duration }}) over ({{ over_groups }})
                ) as last_duration

            from {{ relation }}
            where {{ duration }} is not null
        ) as subjects
        where {{ duration }} <= last_duration
        group by {{ groups }}{{ duration }}, at_first
    ) as leavings
) as risks
{%- endmacro %}
