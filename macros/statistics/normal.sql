{#
  The standard normal distribution, to double precision in both tails (relative error below 1e-8 down to the smallest double). Rational approximation of J. F. Hart
  et al., "Computer Approximations" (1968), algorithm 5666, with the coefficients as in G. West, "Better approximations to cumulative normal functions",
  Wilmott Magazine, May 2005; from 5 sqrt(2) on a continued fraction (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.2.14).

  All macros of this folder: numbers are written with an exponent, since without one they would be decimals on Spark; an argument stands many times in
  what is written, so give a column, and reckon what it holds in the CTE before. They call nothing that differs between engines.
#}

{# P(Z <= x): a probability. Takes any number; NULL for NULL. #}
{% macro normal_cdf(x) -%}
{%- set is_upper = 'cast(' ~ x ~ ' as double) > 0e0' -%}
(case when {{ is_upper }} then 1e0 else 0e0 end
    + case when {{ is_upper }} then -1e0 else 1e0 end * {{ normal_tail('abs(cast(' ~ x ~ ' as double))') }})
{%- endmacro %}

{# P(|Z| >= |z|), the p of a two-sided z test: a probability. Takes any number; NULL for NULL. #}
{% macro normal_sf_two_sided(z) -%}
(2e0 * {{ normal_tail('abs(cast(' ~ z ~ ' as double))') }})
{%- endmacro %}

{# P(Z >= a) for a double that is not negative; NULL for NULL. #}
{% macro normal_tail(a) -%}
{%- set numerator = [
    '3.52624965998911e-2', '7.00383064443688e-1', '6.37396220353165e0', '3.3912866078383e1', '1.12079291497871e2', '2.21213596169931e2', '2.20206867912376e2'
] -%}
{%- set denominator = [
    '8.83883476483184e-2', '1.75566716318264e0', '1.6064177579207e1', '8.67807322029461e1', '2.96564248779674e2', '6.37333633378831e2',
    '7.93826512519948e2', '4.40413735824752e2'
] -%}
(exp(-({{ a }}) * ({{ a }}) / 2e0) * case
    when {{ a }} < 7.07106781186547e0
        then {{ polynomial(numerator, a) }}
            / {{ polynomial(denominator, a) }}
    else 1e0 / (2.5066282746310002e0 * ({{ a }} + 1e0 / ({{ a }} + 2e0 / ({{ a }} + 3e0 / ({{ a }} + 4e0 / ({{ a }} + 5e0 / ({{ a }} + 6e0
        / ({{ a }} + 7e0 / ({{ a }} + 8e-1)))))))))
end)
{%- endmacro %}

{# A polynomial by Horner's rule; the coefficient of the highest power comes first. #}
{% macro polynomial(coefficients, x) -%}
{%- set written = namespace(sum=coefficients[0]) -%}
{%- for coefficient in coefficients[1:] -%}
    {%- set written.sum = '(' ~ written.sum ~ ' * ' ~ x ~ ' + ' ~ coefficient ~ ')' -%}
{%- endfor -%}
{{ written.sum }}
{%- endmacro %}
