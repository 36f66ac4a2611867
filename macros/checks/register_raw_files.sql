{# On run start: a view for each raw table that lies in files, and one for the hash key. #}
{% macro register_raw_files() %}
    {%- do register_hash_key() -%}
    {%- for table in registered_tables() if table.path is not none -%}
        {%- do adapter.create_schema(relation_in(table.relation.schema)) -%}
        {%- if files_exist(table.path) -%}
            {%- do create_file_view(table.relation, table.path) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{% macro register_hash_key() %}
    {%- set relation = relation_in(raw_schema('secrets'), 'hash_key', 'view') -%}
    {%- set path = env_var('JOURNEY_HASH_KEY', '.secrets/hash_key.parquet') -%}
    {%- if not files_exist(path) -%}
        {%- do stop_on(['[K1] there is no hash key at ' ~ path ~ '. Make one with: python -m tools.hash_key (make build does).']) -%}
    {%- endif -%}
    {%- do adapter.create_schema(relation_in(relation.schema)) -%}
    {%- do create_file_view(relation, path) -%}
{% endmacro %}

{#
  Every raw table of the registered sources: {source_name, table, relation, path (none = a table of the warehouse), is_required, required_columns}.
  A required column is a name, several with | between them, or a list of several: one of them has to be there.
#}
{% macro registered_tables() %}
    {%- set tables = [] -%}
    {%- for source in graph.sources.values() if source.source_name in var('sources') -%}
        {%- do tables.append({
            'source_name': source.source_name,
            'table': source.name,
            'relation': relation_in(source.schema, source.identifier, 'view'),
            'path': raw_file_path(source.source_name, source.name),
            'is_required': source.config.meta.get('is_required', source.meta.get('is_required', true)),
            'required_columns': source.config.meta.get('required_columns', source.meta.get('required_columns', []))
        }) -%}
    {%- endfor -%}
    {%- for offer in (known_offers() if 'generic' in var('sources') else []) -%}
        {%- for table, map in mapped_tables(offer).items() -%}
            {%- set mapped = [] -%}
            {%- for entry in (map.columns.values() if 'columns' in map else needed_columns(offer)) -%}
                {%- do mapped.append(mapped_columns(entry)) -%}
            {%- endfor -%}
            {%- for name in map.get('properties', []) -%}
                {%- do mapped.append([name]) -%}
            {%- endfor -%}
            {%- do tables.append({
                'source_name': 'generic',
                'table': table,
                'relation': relation_in(raw_schema('generic'), table, 'view'),
                'path': raw_file_path('generic', table),
                'is_required': true,
                'required_columns': mapped
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(tables) }}
{% endmacro %}

{# The path of a raw table's files, or none. A source's entry in var raw_files is a path with {table}, or a map of table to path. #}
{% macro raw_file_path(source_name, table) %}
    {%- set entry = var('raw_files').get(source_name) -%}
    {%- if entry is mapping -%}
        {{ return(filled_path(entry.get(table), table)) }}
    {%- elif entry -%}
        {{ return(filled_path(entry, table)) }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}

{% macro filled_path(path, table) %}
    {%- if path -%}
        {{ return(path | replace('{table}', table) | replace('{raw}', env_var('JOURNEY_RAW', 'sample/raw'))) }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}
