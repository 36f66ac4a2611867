{#
  How well a score foretells a yes or no. Takes a relation with one row per subject: its groups, the score (a number, a higher one for yes) and what came true
  (a boolean); rows where either is NULL are left out. All is counted in whole numbers, so nothing hangs on the order of rows.
#}

{#
  A CTE's body, one row per group: positives, negatives, auc, the share of pairs of a yes and a no in which the yes has the higher score, ties counting half; NULL
  where there are no such pairs. J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a ROC curve", Radiology 143, 1982;
  H. B. Mann, D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the other", 1947.
#}
{% macro auc(relation, group_columns, score, label) -%}
select
    {{ columns_before(group_columns) }}cast(max(positives) as bigint) as positives,
    cast(max(negatives) as bigint) as negatives,
    cast(sum(positives_here * (2 * (negatives - false_positives) + negatives_here)) as double)
        / nullif(2e0 * max(positives) * max(negatives), 0e0) as auc

from (
    {{ score_points(relation, group_columns, score, label) | indent(4) }}
) as points
{{ grouped_by(group_columns) }}
{%- endmacro %}

{#
  A CTE's body, one row per group: the threshold at which `score >= threshold` foretells best, which is where youden_j = recall - false positive rate is
  greatest (the smallest of several), with true_positives, false_positives, false_negatives, true_negatives, precision and recall there. All NULL where there is no
  yes or no no. W. J. Youden, "Index for rating diagnostic tests", Cancer 3, 1950.
#}
{% macro best_threshold(relation, group_columns, score, label) -%}
{%- set groups = columns_before(group_columns) -%}
select
    {{ groups }}case when has_both then threshold end as threshold,
    case when has_both then true_positives end as true_positives,
    case when has_both then false_positives end as false_positives,
    case when has_both then positives - true_positives end as false_negatives,
    case when has_both then negatives - false_positives end as true_negatives,
    case when has_both then {{ proportion('true_positives', 'true_positives + false_positives') }} end as precision,
    case when has_both then {{ proportion('true_positives', 'positives') }} end as recall,
    case when has_both then {{ proportion('true_positives', 'positives') }} - {{ proportion('false_positives', 'negatives') }} end as youden_j

from (
    select
        *,
        positives > 0 and negatives > 0 as has_both,
        row_number() over (
            {{ partition_of(group_columns) }} order by true_positives * negatives - false_positives * positives desc, threshold
        ) as place

    from (
        {{ score_points(relation, group_columns, score, label) | indent(8) }}
    ) as points
) as places
where place = 1
{%- endmacro %}

{# One row per group and score: who has this score, and who has this or a higher one. #}
{% macro score_points(relation, group_columns, score, label) -%}
{%- set groups = columns_before(group_columns) -%}
{%- set over_groups = partition_of(group_columns) -%}
{%- set so_far = over_groups ~ ' order by threshold desc rows between unbounded preceding and current row' -%}
select
    {{ groups }}threshold, positives_here, negatives_here,
    cast(sum(positives_here) over ({{ so_far }}) as bigint) as true_positives,
    cast(sum(negatives_here) over ({{ so_far }}) as bigint) as false_positives,
    cast(sum(positives_here) over ({{ over_groups }}) as bigint) as positives,
    cast(sum(negatives_here) over ({{ over_groups }}) as bigint) as negatives

from (
    select
        {{ groups }}{{ score }} as threshold,
        cast(sum(case when {{ label }} then 1 else 0 end) as bigint) as positives_here,
        cast(sum(case when {{ label }} then 0 else 1 end) as bigint) as negatives_here

    from {{ relation }}
    where {{ score }} is not null and {{ label }} is not null
    group by {{ groups }}{{ score }}
) as scores
{%- endmacro %}
