{% macro check_project() %}{% endmacro %}
{% macro settings_hash() %}{{ return('') }}{% endmacro %}
