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

{# One row per group and duration, also where all who left were censored. #}
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
        {{ groups }}{{ duration }}, events, leaving,
        cast(sum(leaving) over ({{ over_groups }} order by {{ duration }} desc rows between unbounded preceding and current row) as bigint) as at_risk,
        cast(sum(leaving) over ({{ over_groups }}) as bigint) as at_first

    from (
        select
            {{ groups }}{{ duration }},
            cast(sum(case when {{ is_event }} then 1 else 0 end) as bigint) as events,
            count(*) as leaving

        from {{ relation }}
        where {{ duration }} is not null
        group by {{ groups }}{{ duration }}
    ) as leavings
) as risks
{%- endmacro %}
