{# Numbers for rows and for choices: any will do, as long as they stay what they are. Where a result may depend on one, it does not belong here. #}

{# A number for each row of a query, another one for each. Spark's are not dense: to number in order it would take all rows into one task. #}
{% macro any_number() %}{{ return(adapter.dispatch('any_number', 'customer_journey')()) }}{% endmacro %}
{% macro default__any_number() %}row_number() over (){% endmacro %}
{% macro spark__any_number() %}monotonically_increasing_id(){% endmacro %}

{# A whole number, shuffled: evenly spread, and spread otherwise for each seed (an integer). #}
{% macro shuffled(number, seed) %}{{ return(adapter.dispatch('shuffled', 'customer_journey')(number, seed)) }}{% endmacro %}
{% macro default__shuffled(number, seed) %}hash({{ number }}, {{ seed }}){% endmacro %}
{% macro spark__shuffled(number, seed) %}xxhash64({{ number }}, {{ seed }}){% endmacro %}
{% macro postgres__shuffled(number, seed) %}hashint8extended({{ number }}, {{ seed }}){% endmacro %}

{# Aggregate: a whole number of the row in which another one is the smallest. #}
{% macro number_with_smallest(number, of_number) %}{{ return(adapter.dispatch('number_with_smallest', 'customer_journey')(number, of_number)) }}{% endmacro %}
{% macro default__number_with_smallest(number, of_number) %}arg_min({{ number }}, {{ of_number }}){% endmacro %}
{% macro spark__number_with_smallest(number, of_number) %}min_by({{ number }}, {{ of_number }}){% endmacro %}
{% macro postgres__number_with_smallest(number, of_number) %}(min(array[{{ of_number }}, {{ number }}]))[2]{% endmacro %}
