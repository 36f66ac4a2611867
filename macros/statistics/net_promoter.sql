{#
  The net promoter score, 100 (promoters - detractors) / n, in points from -100 to 100; NULL where n is 0. F. F. Reichheld, "The one number you need to grow",
  Harvard Business Review, December 2003.
#}
{% macro net_promoter_score(promoters, detractors, n) -%}
(1e2 * (cast({{ promoters }} as double) - {{ detractors }}) / nullif(cast({{ n }} as double), 0e0))
{%- endmacro %}

{#
  Its lower ('-') or upper ('+') 95 % bound, in points within [-100, 100]; NULL where n is 0. The normal interval with the variance of a trinomial,
  (p + d - (p - d)^2) / n: B. Rocks, "Interval estimation for the 'net promoter score'", The American Statistician 70, 2016 (there: Wald).
#}
{% macro net_promoter_bound(promoters, detractors, n, sign) -%}
{%- set p, d = proportion(promoters, n), proportion(detractors, n) -%}
(case when {{ n }} > 0 then {{ 'greatest(-1e2' if sign == '-' else 'least(1e2' }}, 1e2 * ({{ p }} - {{ d }} {{ sign }} 1.959963984540054e0 * sqrt(greatest(0e0,
    ({{ p }} + {{ d }} - power({{ p }} - {{ d }}, 2e0)) / nullif(cast({{ n }} as double), 0e0))))) end)
{%- endmacro %}
