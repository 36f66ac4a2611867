{#
  The columns of a published rate: numerator, denominator, the rate (a fraction; NULL where the denominator is 0) and its Wilson 95 % bounds
  (E. B. Wilson, "Probable inference", JASA 22, 1927; z = 1.959963984540054).
#}
{% macro rate_columns(name, numerator, denominator, bounds=true) -%}
{%- set n = 'cast(' ~ denominator ~ ' as double)' -%}
{%- set p = 'cast(' ~ numerator ~ ' as double) / nullif(' ~ n ~ ', 0)' -%}
cast({{ numerator }} as bigint) as {{ name }}_numerator,
        cast({{ denominator }} as bigint) as {{ name }}_denominator,
        {{ p }} as {{ name }}_rate
        {%- if bounds %},
        {{ wilson(p, n, '-') }} as {{ name }}_rate_lower,
        {{ wilson(p, n, '+') }} as {{ name }}_rate_upper
        {%- endif %}
{%- endmacro %}

{% macro wilson(p, n, sign) -%}
{%- set z2 = '3.841458820694124' -%}
case when {{ n }} > 0 and {{ p }} between 0 and 1 then {{ 'greatest(0.0, ' if sign == '-' else 'least(1.0, ' }}({{ p }} + {{ z2 }} / (2 * nullif({{ n }}, 0)) {{ sign }} 1.959963984540054 * sqrt(
            greatest(0.0, {{ p }} * (1 - {{ p }}) / nullif({{ n }}, 0)) + {{ z2 }} / (4 * nullif({{ n }}, 0) * nullif({{ n }}, 0))
        )) / (1 + {{ z2 }} / nullif({{ n }}, 0))) end
{%- endmacro %}
