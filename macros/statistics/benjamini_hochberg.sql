{#
  p values adjusted for the false discovery rate among all of a partition. Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate: a practical and
  powerful approach to multiple testing", JRSS B 57, 1995. The adjusted p is the smallest p m / rank among the p that are not smaller, m the number of p:
  a window over a window, which SQL has not, so it is two columns of two CTEs. Equal p get an equal rank, the highest among them: nothing hangs on the order of
  ties. A NULL p counts nowhere and stays NULL.
#}

{# The first CTE's column: p m / rank, which is called `step` below. Takes the p and a list of columns, which may be empty. #}
{% macro benjamini_hochberg_step(p, partition_by) -%}
(cast({{ p }} as double) * count({{ p }}) over ({{ partition_of(partition_by) }})
    / nullif(count({{ p }}) over ({{ partition_of(partition_by) }} order by {{ p }} nulls last range between unbounded preceding and current row), 0))
{%- endmacro %}

{# The second CTE's column: the adjusted p, at most 1. #}
{% macro benjamini_hochberg(step, p, partition_by) -%}
(case when {{ p }} is not null then least(1e0, min({{ step }}) over (
    {{ partition_of(partition_by) }} order by {{ p }} desc nulls last range between unbounded preceding and current row
)) end)
{%- endmacro %}
