{# A relation of the target's database (Spark has none) that no ref() or source() names. Without an identifier: the schema. #}
{% macro relation_in(schema, identifier=none, type=none) -%}
{{ return(api.Relation.create(
    database=target.database if target.database is defined else none, schema=schema, identifier=identifier, type=type
)) }}
{%- endmacro %}
