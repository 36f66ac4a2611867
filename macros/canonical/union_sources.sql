{#
  The waist: every registered source's model of an offer, cast to the names and types of the calling model's own contract and stacked.
  An offer that nobody supplies becomes an empty table of the same shape. Offer `loads` is one that every source has.
#}
{% macro union_sources(offer) %}
    {%- set contract = model.columns.values() | list -%}
    {%- set relations = [] -%}
    {%- for source_name, offers in registered_offers().items() -%}
        {%- if offer == 'loads' or offer in offers -%}
            {%- do relations.append([source_name, ref('stg_' ~ source_name ~ '__' ~ offer)]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for source_name, relation in relations %}
    {{ 'union all' if not loop.first }}

    select
        {%- for column in contract %}
        cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ relation }}
        {%- if offer != 'loads' %}
    {{ where_load_is_pending(source_name) }}
        {%- endif %}
    {%- else %}
        {%- if offer != 'loads' %}
    -- depends_on: {{ ref('int_loads_pending') }} {{ ref('int_loads_unioned') }}
        {%- endif %}
    select
        {%- for column in contract %}
        cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}

    where 1 = 0
    {%- endfor %}
{% endmacro %}
