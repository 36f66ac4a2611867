{#
  Welch's test that two means are one, where the variances may differ: group 2 less group 1, from means, sample variances (over n - 1) and counts.
  B. L. Welch, "The generalization of 'Student's' problem when several different population variances are involved", Biometrika 34, 1947;
  F. E. Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2, 1946.
  The p is student_t_two_sided(t, df) of t and df as columns of the CTE before.
#}

{# t; NULL where a group has fewer than two, or both variances are 0. #}
{% macro welch_t(mean1, variance1, n1, mean2, variance2, n2) -%}
(case when {{ n1 }} > 1 and {{ n2 }} > 1 then (cast({{ mean2 }} as double) - cast({{ mean1 }} as double))
    / nullif(sqrt(abs({{ proportion(variance1, n1) }} + {{ proportion(variance2, n2) }})), 0e0) end)
{%- endmacro %}

{# Degrees of freedom, seldom whole, from the smaller n - 1 to n1 + n2 - 2; NULL where a group has fewer than two, or both variances are 0. #}
{% macro welch_df(variance1, n1, variance2, n2) -%}
{%- set part1, part2 = proportion(variance1, n1), proportion(variance2, n2) -%}
{%- set whole = 'nullif(' ~ part1 ~ ' + ' ~ part2 ~ ', 0e0)' -%}
(case when {{ n1 }} > 1 and {{ n2 }} > 1 then 1e0 / (
    power({{ part1 }} / {{ whole }}, 2e0) / nullif(cast({{ n1 }} as double) - 1e0, 0e0)
    + power({{ part2 }} / {{ whole }}, 2e0) / nullif(cast({{ n2 }} as double) - 1e0, 0e0)) end)
{%- endmacro %}

{#
  P(|T| >= |t|) of Student's t: a probability. Takes columns; df >= 1, whole or not; NULL for less or NULL. The distribution: Student, "The probable error
  of a mean", Biometrika 6, 1908. With t = sqrt(df) sinh(s), and u the s of this t, the p is

      2 c * integral from u to infinity of cosh(s)^-df ds,    c = Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi)).

  Near the middle 1 - p is taken, by Gauss and Legendre's rule with 14 points from 0 to u. In the tail, where y = df ln(cosh(s) / cosh(u)) makes the integral
  one of exp(-y) / sqrt(1 - exp(-2 y / df) / (1 + t^2 / df)) / df, it is Gauss and Laguerre's rule with 24 points, less five that weigh below 1e-19. (Rules:
  Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 25.4.) c comes from 8 steps of the recurrence of Gamma and the series in
  (df / 2 + 8 - 1/4)^-2 of J. L. Fields, "A note on the asymptotic expansion of a ratio of gamma functions", Proc. Edinburgh Math. Soc. 15, 1966.
  Absolute error below 1e-9 for df <= 1e6, and the relative one of a small p too; beyond 1e9 it is the normal distribution.
#}
{% macro student_t_two_sided(t, df) -%}
{%- set middle = [
    ('6.858095651593787e-3', '1.7559730165875875e-2'), ('3.578255816821324e-2', '4.007904357987999e-2'),
    ('8.639934246511749e-2', '6.0759285343951655e-2'), ('1.5635354759415726e-1', '7.860158357909681e-2'),
    ('2.4237568182092295e-1', '9.276919873896894e-2'), ('3.404438155360551e-1', '1.0259923186064786e-1'),
    ('4.4597252564632817e-1', '1.0763192673157897e-1'), ('5.540274743536718e-1', '1.0763192673157897e-1'),
    ('6.595561844639448e-1', '1.0259923186064786e-1'), ('7.57624318179077e-1', '9.276919873896894e-2'),
    ('8.436464524058427e-1', '7.860158357909681e-2'), ('9.136006575348825e-1', '6.0759285343951655e-2'),
    ('9.642174418317868e-1', '4.007904357987999e-2'), ('9.931419043484062e-1', '1.7559730165875875e-2')
] -%}
{%- set tail = [
    ('5.901985218150761e-2', '1.4281197333475043e-1'), ('3.112391461984835e-1', '2.5877410751744107e-1'),
    ('7.660969055459361e-1', '2.588067072728734e-1'), ('1.4255975908036125e0', '1.8332268897778237e-1'),
    ('2.2925620586321904e0', '9.816627262992299e-2'), ('3.3707742642089986e0', '4.073247815141022e-2'),
    ('4.66508370346717e0', '1.3226019405120549e-2'), ('6.181535118736765e0', '3.3693490584784146e-3'),
    ('7.927539247172152e0', '6.721625640935707e-4'), ('9.912098015077705e0', '1.0446121465927847e-4'),
    ('1.2146102711729764e1', '1.2544721977993773e-5'), ('1.4642732289596674e1', '1.151315812737323e-6'),
    ('1.7417992646508978e1', '7.960812959133895e-8'), ('2.0491460082616424e1', '4.072858987550192e-9'),
    ('2.3887329848169735e1', '1.507008226292658e-10'), ('2.7635937174332717e1', '3.917736515058548e-12'),
    ('3.1776041352374722e1', '6.894181052958382e-14'), ('3.635840580165162e1', '7.819800382459628e-16'),
    ('4.145172048487077e1', '5.350188813010104e-18')
] -%}
{%- set t, df = 'cast(' ~ t ~ ' as double)', 'cast(' ~ df ~ ' as double)' -%}
{%- set stretch = '(1e0 + ' ~ t ~ ' * ' ~ t ~ ' / ' ~ df ~ ')' -%}
{%- set exp_u = '(abs(' ~ t ~ ') / sqrt(' ~ df ~ ') + sqrt' ~ stretch ~ ')' -%}
{%- set is_middle = df ~ ' * ln' ~ stretch ~ ' < 4e0' -%}
{%- set b2 = '((' ~ df ~ ' / 2e0 + 7.75e0) * (' ~ df ~ ' / 2e0 + 7.75e0))' -%}
(case
    when {{ df }} > 1e9 then {{ normal_sf_two_sided(t) }}
    when {{ df }} >= 1e0 then case when {{ is_middle }} then 1e0 else 0e0 end + 1.1283791670955126e0
        {%- for step in range(8) %} * ({{ df }} + {{ 2 * step }}e0) / ({{ df }} + {{ 2 * step + 1 }}e0){% endfor %} * sqrt({{ df }} / 2e0 + 7.75e0)
        * (1e0 + (1.5625e-2 + (-2.3193359375e-3 + (1.2035369873046875e-3 - 1.298762857913971e-3 / {{ b2 }}) / {{ b2 }}) / {{ b2 }}) / {{ b2 }})
        * case
            when {{ is_middle }} then -ln({{ exp_u }}) * (
                {%- for node, weight in middle %}
                {{ '+ ' if not loop.first }}{{ weight }} * power((power({{ exp_u }}, {{ node }}) + power({{ exp_u }}, -{{ node }})) / 2e0, -{{ df }})
                {%- endfor %}
            )
            else power({{ stretch }}, -{{ df }} / 2e0) / {{ df }} * (
                {%- for node, weight in tail %}
                {{ '+ ' if not loop.first }}{{ weight }} / sqrt(1e0 - exp(-2e0 * {{ node }} / {{ df }}) / {{ stretch }})
                {%- endfor %}
            )
        end
end)
{%- endmacro %}
