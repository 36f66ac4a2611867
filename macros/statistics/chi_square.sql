{#
  P(X >= x) of the chi-square distribution: a probability. Takes x >= 0 and whole degrees of freedom from 1 to 19, a column or a number; NULL for others and for
  NULL. The finite sums for even and for odd df: Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.4.4 and 26.4.5.
#}
{% macro chi_square_sf(x, df) -%}
{%- set half = '(cast(' ~ x ~ ' as double) / 2e0)' -%}
{%- if df == 1 -%}
{{ normal_sf_two_sided('sqrt(abs(cast(' ~ x ~ ' as double)))') }}
{%- else -%}
{%- set even, odd = namespace(rest='0e0'), namespace(rest='0e0') -%}
{#- from the last term to the first, each with all that follow in its brackets -#}
{%- for number in range(9, 0, -1) -%}
    {%- set even.rest = 'case when ' ~ df ~ ' > ' ~ 2 * number ~ ' then ' ~ half ~ ' / ' ~ number ~ 'e0 * (1e0 + ' ~ even.rest ~ ') else 0e0 end' -%}
    {%- set factor = 'sqrt(' ~ half ~ ') * 1.1283791670955126e0' if number == 1 else half ~ ' / ' ~ (number - 0.5) ~ 'e0' -%}
    {%- set odd.rest = 'case when ' ~ df ~ ' > ' ~ 2 * number ~ ' then ' ~ factor ~ ' * (1e0 + ' ~ odd.rest ~ ') else 0e0 end' -%}
{%- endfor -%}
(case
    when {{ df }} in (2, 4, 6, 8, 10, 12, 14, 16, 18) then exp(-{{ half }}) * (1e0 + {{ even.rest }})
    when {{ df }} in (1, 3, 5, 7, 9, 11, 13, 15, 17, 19) then {{ normal_sf_two_sided('sqrt(abs(cast(' ~ x ~ ' as double)))') }}
        + exp(-{{ half }}) * ({{ odd.rest }})
end)
{%- endif -%}
{%- endmacro %}

{#
  A CTE's body: are the variants of each group as large as they were meant to be? Pearson's goodness of fit: K. Pearson, "On the criterion that a given system of
  deviations ...", Philosophical Magazine 50, 1900. One row per group: chi_square, df (variants - 1), p_value.
  Takes a relation with one row per group and variant (one that nobody saw too, with 0), the variant's column, the count and the share expected; shares need not
  sum to 1. All NULL but df where nobody was counted, a share is NULL or not positive, or there is one variant; p_value also with more than 20.
#}
{% macro sample_ratio_mismatch(relation, group_columns, variant, observed, expected_share) -%}
{%- set groups = columns_before(group_columns) -%}
select
    {{ groups }}df,
    chi_square,
    {{ chi_square_sf('chi_square', 'df') }} as p_value

from (
    select
        {{ groups }}count(*) - 1 as df,
        -- the parts are summed in the variants' order, and what is summed grows: the last digit is the same in every build
        case when count(*) > 1 and min({{ expected_share }}) > 0 and count({{ expected_share }}) = count(*) then max(chi_square_so_far) end as chi_square

    from (
        select
            {{ groups }}{{ expected_share }},
            sum(power(counted - expected, 2e0) / nullif(expected, 0e0)) over (
                {{ partition_of(group_columns) }} order by {{ variant }} rows between unbounded preceding and current row
            ) as chi_square_so_far

        from (
            select
                {{ groups }}{{ variant }}, {{ expected_share }},
                cast(coalesce({{ observed }}, 0) as double) as counted,
                cast(sum({{ observed }}) over ({{ partition_of(group_columns) }}) as double) * cast({{ expected_share }} as double)
                    / nullif(sum(cast({{ expected_share }} as double)) over (
                        {{ partition_of(group_columns) }} order by {{ variant }} rows between unbounded preceding and unbounded following
                    ), 0e0) as expected

            from {{ relation }}
        ) as expectations
    ) as sums
    {{ grouped_by(group_columns) }}
) as tests
{%- endmacro %}
