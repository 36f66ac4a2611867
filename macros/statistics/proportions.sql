{#
  Two groups compared by a proportion: x of n, group 1 the control, group 2 the variant; differences are group 2 less group 1. Counts are whole, x <= n.
#}

{# x of n as a double: a share, NULL where n is 0. #}
{% macro proportion(x, n) -%}
(cast({{ x }} as double) / nullif(cast({{ n }} as double), 0e0))
{%- endmacro %}

{#
  z of the test that both proportions are one, with the pooled variance; NULL where a group is empty, or nobody or everybody of both is counted.
  K. Pearson, "On the probability that two independent distributions of frequency are really samples from the same population", Biometrika 8, 1911.
#}
{% macro two_proportion_z(x1, n1, x2, n2) -%}
{%- set pooled = '((cast(' ~ x1 ~ ' as double) + ' ~ x2 ~ ') / nullif(cast(' ~ n1 ~ ' as double) + ' ~ n2 ~ ', 0e0))' -%}
(({{ proportion(x2, n2) }} - {{ proportion(x1, n1) }}) / nullif(sqrt(greatest(0e0,
    {{ pooled }} * (1e0 - {{ pooled }}) * ({{ proportion('1', n1) }} + {{ proportion('1', n2) }}))), 0e0))
{%- endmacro %}

{# The two-sided p of that z: a probability, NULL where z is. Where z is a column, normal_sf_two_sided(z) is the shorter way. #}
{% macro two_proportion_p(x1, n1, x2, n2) -%}
{{ normal_sf_two_sided(two_proportion_z(x1, n1, x2, n2)) }}
{%- endmacro %}

{# p2 - p1: a difference of shares, NULL where a group is empty. #}
{% macro absolute_lift(x1, n1, x2, n2) -%}
({{ proportion(x2, n2) }} - {{ proportion(x1, n1) }})
{%- endmacro %}

{#
  The lower ('-') or upper ('+') 95 % bound of p2 - p1, from the Wilson bounds of both; NULL where a group is empty. R. G. Newcombe, "Interval estimation
  for the difference between independent proportions: comparison of eleven methods", Statistics in Medicine 17, 1998, method 10.
#}
{% macro absolute_lift_bound(x1, n1, x2, n2, sign) -%}
{%- set other = '+' if sign == '-' else '-' -%}
{%- set p1, p2 = proportion(x1, n1), proportion(x2, n2) -%}
{%- set count1, count2 = 'cast(' ~ n1 ~ ' as double)', 'cast(' ~ n2 ~ ' as double)' -%}
({{ p2 }} - {{ p1 }} {{ sign }} sqrt(
    power({{ p2 }} - {{ wilson(p2, count2, sign) }}, 2e0)
    + power({{ p1 }} - {{ wilson(p1, count1, other) }}, 2e0)
))
{%- endmacro %}

{# p2 / p1 - 1: a fraction; NULL where a group is empty or counts nobody, since its bounds then say nothing. #}
{% macro relative_lift(x1, n1, x2, n2) -%}
({{ proportion(x2, n2) }} / nullif({{ proportion(x1, n1) }}, 0e0) - case when {{ x2 }} > 0 then 1e0 end)
{%- endmacro %}

{#
  The lower ('-') or upper ('+') 95 % bound of p2 / p1 - 1 by the log method; NULL where the lift is. D. Katz, J. Baptista, S. P. Azen, M. C. Pike,
  "Obtaining confidence intervals for the risk ratio in cohort studies", Biometrics 34, 1978.
#}
{% macro relative_lift_bound(x1, n1, x2, n2, sign) -%}
({{ proportion(x2, n2) }} / nullif({{ proportion(x1, n1) }}, 0e0) * exp({{ sign }}1.959963984540054e0 * sqrt(greatest(0e0,
    {{ proportion('1', x1) }} - {{ proportion('1', n1) }} + {{ proportion('1', x2) }} - {{ proportion('1', n2) }}
))) - case when {{ x2 }} > 0 then 1e0 end)
{%- endmacro %}

{# The columns of a published lift: the absolute one (a difference of shares) and the relative one (a fraction), each with its 95 % bounds. #}
{% macro lift_bounds(x1, n1, x2, n2, prefix='') -%}
{{ absolute_lift(x1, n1, x2, n2) }} as {{ prefix }}absolute_lift,
        {{ absolute_lift_bound(x1, n1, x2, n2, '-') }} as {{ prefix }}absolute_lift_lower,
        {{ absolute_lift_bound(x1, n1, x2, n2, '+') }} as {{ prefix }}absolute_lift_upper,
        {{ relative_lift(x1, n1, x2, n2) }} as {{ prefix }}relative_lift,
        {{ relative_lift_bound(x1, n1, x2, n2, '-') }} as {{ prefix }}relative_lift_lower,
        {{ relative_lift_bound(x1, n1, x2, n2, '+') }} as {{ prefix }}relative_lift_upper
{%- endmacro %}
