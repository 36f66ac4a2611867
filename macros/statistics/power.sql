{#
  How well a test of two proportions could have seen a difference, by the normal approximation at alpha 0.05, two-sided. J. Cohen, "Statistical Power Analysis
  for the Behavioral Sciences", 2nd edition, 1988, chapter 6. What statsmodels calls proportion_effectsize and NormalIndPower.
#}

{#
  Cohen's h of two shares, 2 asin(sqrt(p2)) - 2 asin(sqrt(p1)): the size of an effect in units of its standard deviation, positive where p2 is greater.
  NULL for NULL and outside of [0, 1]. asin by Gauss and Legendre's rule with 8 points over its half-angle, to 1e-14.
#}
{% macro cohens_h(p1, p2) -%}
(2e0 * ({{ asin_sqrt(p2) }} - {{ asin_sqrt(p1) }}))
{%- endmacro %}

{% macro asin_sqrt(share) -%}
{%- set rule = [
    ('1.9855071751231912e-2', '5.061426814518853e-2'), ('1.0166676129318664e-1', '1.1119051722668721e-1'),
    ('2.372337950418355e-1', '1.5685332293894344e-1'), ('4.082826787521751e-1', '1.8134189168918083e-1'),
    ('5.917173212478248e-1', '1.8134189168918083e-1'), ('7.627662049581645e-1', '1.5685332293894344e-1'),
    ('8.983332387068134e-1', '1.1119051722668721e-1'), ('9.801449282487681e-1', '5.061426814518853e-2')
] -%}
{%- set p = 'cast(' ~ share ~ ' as double)' -%}
{%- set half_cosine = 'sqrt((1e0 + sqrt(1e0 - ' ~ p ~ ')) / 2e0)' -%}
case when {{ p }} >= 0e0 and {{ p }} <= 1e0 then 2e0 * sqrt({{ p }}) / {{ half_cosine }} * (
    {%- for node, weight in rule %}
    {{ '+ ' if not loop.first }}{{ weight }} / (1e0 + {{ node }} * {{ node }} + (1e0 - {{ node }} * {{ node }}) * {{ half_cosine }})
    {%- endfor %}
) end
{%- endmacro %}

{# The power of the test with n1 and n2, where the effect is h (a column that cohens_h has made): a probability; NULL where h is or a group is empty. #}
{% macro two_proportion_power(h, n1, n2) -%}
{%- set shift = 'abs(cast(' ~ h ~ ' as double)) / sqrt(' ~ proportion('1', n1) ~ ' + ' ~ proportion('1', n2) ~ ')' -%}
({{ normal_cdf(shift ~ ' - 1.959963984540054e0') }} + {{ normal_cdf('-' ~ shift ~ ' - 1.959963984540054e0') }})
{%- endmacro %}

{#
  The smallest difference from p1 that the test finds with power 0.8: a difference of shares, with p1's variance in both groups,
  (z(0.975) + z(0.8)) sqrt(p1 (1 - p1) (1 / n1 + 1 / n2)). NULL where a group is empty, or p1 is 0 or 1 and so says nothing of the variance.
#}
{% macro minimum_detectable_effect(p1, n1, n2) -%}
{%- set p = 'cast(' ~ p1 ~ ' as double)' -%}
(case when {{ p }} > 0e0 and {{ p }} < 1e0
    then 2.801585218112968e0 * sqrt({{ p }} * (1e0 - {{ p }}) * ({{ proportion('1', n1) }} + {{ proportion('1', n2) }})) end)
{%- endmacro %}
