{#
  How a behaviour and an outcome go together, from the four cells of their table: tp (both), fp (behaviour only), fn (outcome only), tn (neither).
#}

{# The phi coefficient, from -1 to 1; NULL where a row or column of the table is empty. G. U. Yule, "On the methods of measuring association", JRSS 75, 1912. #}
{% macro phi_coefficient(tp, fp, fn, tn) -%}
{%- set tp, fp, fn, tn = 'cast(' ~ tp ~ ' as double)', 'cast(' ~ fp ~ ' as double)', 'cast(' ~ fn ~ ' as double)', 'cast(' ~ tn ~ ' as double)' -%}
(({{ tp }} * {{ tn }} - {{ fp }} * {{ fn }}) / nullif(
    sqrt(({{ tp }} + {{ fp }}) * ({{ fn }} + {{ tn }})) * sqrt(({{ tp }} + {{ fn }}) * ({{ fp }} + {{ tn }})), 0e0))
{%- endmacro %}

{#
  Lift: the outcome's share among those with the behaviour over its share among all, 1 where they have nothing to do with each other; NULL where nobody has the
  behaviour or nobody the outcome. S. Brin, R. Motwani, J. D. Ullman, S. Tsur, "Dynamic itemset counting and implication rules for market basket data", 1997.
#}
{% macro association_lift(tp, fp, fn, tn) -%}
(cast({{ tp }} as double) / nullif(cast({{ tp }} as double) + {{ fp }}, 0e0)
    * (cast({{ tp }} as double) + {{ fp }} + {{ fn }} + {{ tn }}) / nullif(cast({{ tp }} as double) + {{ fn }}, 0e0))
{%- endmacro %}

{# Pearson's chi-square with one degree of freedom, without a correction for continuity: n phi^2; NULL where phi is. K. Pearson, 1900. #}
{% macro chi_square_2x2(tp, fp, fn, tn) -%}
((cast({{ tp }} as double) + {{ fp }} + {{ fn }} + {{ tn }}) * power({{ phi_coefficient(tp, fp, fn, tn) }}, 2e0))
{%- endmacro %}

{# Its p: a probability; NULL where phi is. #}
{% macro chi_square_2x2_p(tp, fp, fn, tn) -%}
{{ chi_square_sf(chi_square_2x2(tp, fp, fn, tn), 1) }}
{%- endmacro %}
