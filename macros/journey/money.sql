{# An amount in the reporting currency at the rate of its local date; NULL where there is no rate. Needs int_fx_rates joined as `rates`. #}
{% macro in_reporting_currency(amount) -%}
cast({{ amount }} * rates.rate as decimal(18, 4))
{%- endmacro %}

{% macro join_fx_rates(currency_code, day) -%}
left join {{ ref('int_fx_rates') }} as rates
        on
            {{ currency_code }} = rates.currency_code
            and {{ day }} >= rates.valid_from
            and {{ day }} < rates.valid_to
{%- endmacro %}
