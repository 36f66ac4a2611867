{# Time, where DuckDB, Spark and PostgreSQL differ. Every timestamp is UTC without a zone in DuckDB and PostgreSQL and an instant (session zone UTC) in Spark. #}

{# Microseconds since 1970 of a timestamp: bigint. Exact, so gaps are compared on it and never on boundaries counted. #}
{% macro epoch_us(ts) %}{{ return(adapter.dispatch('epoch_us', 'customer_journey')(ts)) }}{% endmacro %}
{% macro default__epoch_us(ts) %}epoch_us({{ ts }}){% endmacro %}
{% macro spark__epoch_us(ts) %}unix_micros({{ ts }}){% endmacro %}
{% macro postgres__epoch_us(ts) %}cast(extract(epoch from {{ ts }}) * 1000000 as bigint){% endmacro %}

{# The timestamp of so many microseconds since 1970. #}
{% macro from_epoch_us(us) %}{{ return(adapter.dispatch('from_epoch_us', 'customer_journey')(us)) }}{% endmacro %}
{% macro default__from_epoch_us(us) %}make_timestamp(cast({{ us }} as bigint)){% endmacro %}
{% macro spark__from_epoch_us(us) %}timestamp_micros(cast({{ us }} as bigint)){% endmacro %}
{% macro postgres__from_epoch_us(us) %}timestamp_of(cast({{ us }} as bigint)){% endmacro %}

{# Whole seconds from one timestamp to another, rounded down: bigint; NULL if either is. #}
{% macro elapsed_seconds(from_ts, to_ts) -%}
cast(floor(({{ epoch_us(to_ts) }} - {{ epoch_us(from_ts) }}) / 1e6) as bigint)
{%- endmacro %}

{# A timestamp moved by a number of seconds (any numeric expression of whole seconds). #}
{% macro add_seconds(ts, seconds) -%}
{{ from_epoch_us(epoch_us(ts) ~ ' + cast(1000000 as bigint) * (' ~ seconds ~ ')') }}
{%- endmacro %}

{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days', 'customer_journey')(day, days)) }}{% endmacro %}
{% macro default__add_days(day, days) %}cast({{ day }} + cast({{ days }} as integer) as date){% endmacro %}
{% macro spark__add_days(day, days) %}date_add({{ day }}, cast({{ days }} as int)){% endmacro %}

{# Calendar days from one date to another: bigint. #}
{% macro days_between(from_date, to_date) %}{{ return(adapter.dispatch('days_between', 'customer_journey')(from_date, to_date)) }}{% endmacro %}
{% macro default__days_between(from_date, to_date) %}cast({{ to_date }} - {{ from_date }} as bigint){% endmacro %}
{% macro spark__days_between(from_date, to_date) %}cast(datediff({{ to_date }}, {{ from_date }}) as bigint){% endmacro %}

{# The date on the wall in var reporting_timezone at a UTC timestamp. #}
{% macro local_date(ts) %}{{ return(adapter.dispatch('local_date', 'customer_journey')(ts)) }}{% endmacro %}
{% macro default__local_date(ts) -%}
cast(timezone({{ quoted(var('reporting_timezone')) }}, timezone('UTC', {{ ts }})) as date)
{%- endmacro %}
{% macro spark__local_date(ts) -%}
cast(from_utc_timestamp({{ ts }}, {{ quoted(var('reporting_timezone')) }}) as date)
{%- endmacro %}

{# The UTC timestamp at which a date of var reporting_timezone begins. #}
{% macro day_begins_at(day) %}{{ return(adapter.dispatch('day_begins_at', 'customer_journey')(day)) }}{% endmacro %}
{% macro default__day_begins_at(day) -%}
timezone('UTC', timezone({{ quoted(var('reporting_timezone')) }}, cast({{ day }} as timestamp)))
{%- endmacro %}
{% macro spark__day_begins_at(day) -%}
to_utc_timestamp(cast({{ day }} as timestamp), {{ quoted(var('reporting_timezone')) }})
{%- endmacro %}

{#
  Is a window of `days` times 24 hours over at as_of_at for whoever entered it before the local date `next_day` began? Reads the relation as_of. Not a sum of
  dates: where a day of 23 or 25 hours lies inside, that is an hour early or late.
#}
{% macro window_is_over(next_day, days) -%}
{{ epoch_us(day_begins_at(next_day)) }} + cast(86400000000 as bigint) * ({{ days }}) <= {{ epoch_us('as_of.as_of_at') }}
{%- endmacro %}

{# The first day of the week (ISO: Monday) or month that a date lies in: date. #}
{% macro period_start(period, day) -%}
cast(date_trunc('{{ period }}', {{ day }}) as date)
{%- endmacro %}

{# Text of a timestamp with microseconds: the one spelling that goes into content hashes. #}
{% macro timestamp_text(ts) %}{{ return(adapter.dispatch('timestamp_text', 'customer_journey')(ts)) }}{% endmacro %}
{% macro default__timestamp_text(ts) %}strftime({{ ts }}, '%Y-%m-%d %H:%M:%S.%f'){% endmacro %}
{% macro spark__timestamp_text(ts) %}date_format({{ ts }}, 'yyyy-MM-dd HH:mm:ss.SSSSSS'){% endmacro %}
{% macro postgres__timestamp_text(ts) %}to_char({{ ts }}, 'YYYY-MM-DD HH24:MI:SS.US'){% endmacro %}

{#
  ISO 8601 text to UTC timestamp, NULL where it is none. Without an offset the text is UTC. Only a text of this form is tried, in the one spelling that all
  engines read alike: their own readers also take 'infinity', 'today', bare years and an hour 24, each its own set.
#}
{% macro parse_timestamp(text) -%}
{%- set micros = regex_replace("replace(" ~ text ~ ", ' UTC', 'Z')", '([.][0-9]{6})[0-9]+', '', keep_first_group=true) -%}
{{ read_timestamp(
    'case when ' ~ regex_match(text, ':[0-9.]+[+-][0-9]{4}$') ~ ' then substr(' ~ micros ~ ', 1, length(' ~ micros ~ ") - 2) || ':' || right(" ~ micros ~ ', 2)'
    ~ ' else ' ~ micros ~ ' end', text
) }}
{%- endmacro %}
{% macro read_timestamp(spelling, text) %}{{ return(adapter.dispatch('read_timestamp', 'customer_journey')(spelling, text)) }}{% endmacro %}
{# Without an offset it is not read as an instant, which DuckDB would take for one of the session's zone. #}
{% macro default__read_timestamp(spelling, text) -%}
case
    when not {{ regex_match(text, iso_timestamp_pattern()) }} then null
    when {{ regex_match(text, ':[0-9.]+ ?(UTC|Z|[+-][0-9:]+)$') }} then timezone('UTC', try_cast({{ spelling }} as timestamptz))
    else try_cast({{ spelling }} as timestamp)
end
{%- endmacro %}
{% macro spark__read_timestamp(spelling, text) -%}
case when {{ regex_match(text, iso_timestamp_pattern()) }} then try_cast({{ spelling }} as timestamp) end
{%- endmacro %}
{% macro postgres__read_timestamp(spelling, text) -%}
case
    when not {{ regex_match(text, iso_timestamp_pattern()) }} then null
    when {{ regex_match(text, ':[0-9.]+ ?(UTC|Z|[+-][0-9:]+)$') }} then try_instant({{ spelling }})
    else try_timestamp({{ spelling }})
end
{%- endmacro %}

{% macro iso_timestamp_pattern() -%}
^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?( ?UTC|Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?$
{%- endmacro %}

{# A zoned timestamp column to UTC without zone. #}
{% macro from_zoned(ts) %}{{ return(adapter.dispatch('from_zoned', 'customer_journey')(ts)) }}{% endmacro %}
{% macro default__from_zoned(ts) %}timezone('UTC', {{ ts }}){% endmacro %}
{% macro spark__from_zoned(ts) %}cast({{ ts }} as timestamp){% endmacro %}

{# One row per day from first_day to last_day, both included, column `date_day`; no row where either is NULL. Takes a relation or CTE with the two dates. #}
{% macro days_from_to(bounds, first_day, last_day) %}{{ return(adapter.dispatch('days_from_to', 'customer_journey')(bounds, first_day, last_day)) }}{% endmacro %}
{% macro default__days_from_to(bounds, first_day, last_day) -%}
select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day from {{ bounds }}
{%- endmacro %}
{% macro spark__days_from_to(bounds, first_day, last_day) -%}
select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day from {{ bounds }} where {{ first_day }} <= {{ last_day }}
{%- endmacro %}
{% macro postgres__days_from_to(bounds, first_day, last_day) -%}
select cast(generate_series(cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval '1 day') as date) as date_day from {{ bounds }}
{%- endmacro %}

{# A first of the month moved by a number of months: date. #}
{% macro add_months(month_start, months) %}{{ return(adapter.dispatch('add_months', 'customer_journey')(month_start, months)) }}{% endmacro %}
{% macro default__add_months(month_start, months) %}cast({{ month_start }} + to_months(cast({{ months }} as integer)) as date){% endmacro %}
{% macro spark__add_months(month_start, months) %}add_months({{ month_start }}, cast({{ months }} as int)){% endmacro %}
{% macro postgres__add_months(month_start, months) %}cast({{ month_start }} + cast({{ months }} as integer) * interval '1 month' as date){% endmacro %}

{% macro next_month(month_start) %}{{ add_months(month_start, 1) }}{% endmacro %}

{# Months since year 0, so that two dates of adjacent months differ by 1: bigint. #}
{% macro month_number(day) -%}
cast(extract(year from {{ day }}) * 12 + extract(month from {{ day }}) as bigint)
{%- endmacro %}

{# One row per whole number from 0 to the one before `stop`, column `number`: integer. #}
{% macro integers(stop) %}{{ return(adapter.dispatch('integers', 'customer_journey')(stop)) }}{% endmacro %}
{% macro default__integers(stop) %}select cast(range as integer) as number from range(0, {{ stop }}){% endmacro %}
{% macro spark__integers(stop) %}select cast(id as int) as number from range(0, {{ stop }}){% endmacro %}
{% macro postgres__integers(stop) %}select cast(number as integer) as number from generate_series(0, {{ stop }} - 1) as numbers (number){% endmacro %}
