{#
  What a draft reads of a raw table, held against what is there, while the staging view is made: only the draft knows its columns. Required columns have
  been checked before (check_raw_tables); an optional one that is gone reads as empty, which is right for a column that was never there and wrong for one
  that got another name: `currency` called `currency_code` from today on would make all money NULL without a word. Hence two warnings:
    W1  a column that is nowhere in the table, while one of nearly its name is there and not read
    W2  a column that earlier files have and a later file has not
#}
{% macro check_read_columns(handle, columns, properties) %}
    {%- if not execute or flags.WHICH not in ['run', 'build'] or not handle.columns -%}
        {{ return('') }}
    {%- endif -%}
    {%- set wanted = [] -%}
    {%- set read = load_id_names() + load_time_names() -%}
    {%- for entry in (columns.values() | list) + properties -%}
        {%- set names = (mapped_columns(entry) or []) | map('lower') | list -%}
        {%- do wanted.append(names) if names -%}
        {%- do read.extend(names) -%}
    {%- endfor -%}
    {%- set path = raw_file_path(handle.source_name, handle.table) -%}
    {%- set schemas = file_schemas(path) if path else [] -%}
    {%- set table = 'raw table ' ~ handle.source_name ~ '.' ~ handle.table -%}
    {%- set conflicts = [] -%}
    {%- set renamed = [] -%}
    {%- set gone = {} -%}
    {%- for names in wanted -%}
        {%- do conflicts.extend(check_types(table, names, schemas)) -%}
        {%- set present = names | select('in', handle.columns) | list -%}
        {%- if not present -%}
            {%- set near = did_you_mean(names[0], handle.columns | reject('in', read) | list) -%}
            {%- if near -%}
                {%- do renamed.append('`' ~ names | join('` or `') ~ '` (' ~ near | trim ~ ')') -%}
            {%- endif -%}
        {%- else -%}
            {%- set later = schema_that_lost(names, schemas) -%}
            {%- if later -%}
                {%- set near = did_you_mean(present[0], later.columns | reject('in', read) | list) -%}
                {%- do gone.setdefault(later.last_file, []).append('`' ~ names | join('` or `') ~ '`' ~ (' (' ~ near | trim ~ ')' if near else '')) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if conflicts -%}
        {{ exceptions.raise_compiler_error(conflicts | join('\n\n  ')) }}
    {%- endif -%}
    {%- if renamed -%}
        {%- do exceptions.warn('[W1] ' ~ table ~ ' (' ~ (path or handle.relation) ~ ') has no column ' ~ renamed | join(', ')
            ~ '. It is read as empty. If a column has another name now, put that beside the old one in the map of the staging model (or of `generic_tables`): [old, new].') -%}
    {%- endif -%}
    {%- for file, names in gone.items() -%}
        {%- do exceptions.warn('[W2] ' ~ table ~ ': earlier files have the column ' ~ names | join(', ') ~ ', and ' ~ file
            ~ ' has not. It is read as empty there. If a column has another name now, put that beside the old one in the map of the staging model'
            ~ ' (or of `generic_tables`): [old, new].') -%}
    {%- endfor -%}
{% endmacro %}

{# The last of the schemas whose files lack these columns although an earlier file has one of them, or none. #}
{% macro schema_that_lost(names, schemas) %}
    {%- set found = namespace(first_with=none, lost=none) -%}
    {%- for schema in schemas if names | select('in', schema.columns) | list -%}
        {%- if found.first_with is none or schema.first_file < found.first_with -%}
            {%- set found.first_with = schema.first_file -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for schema in schemas if found.first_with is not none and schema.last_file > found.first_with and not names | select('in', schema.columns) | list -%}
        {%- if found.lost is none or schema.last_file > found.lost.last_file -%}
            {%- set found.lost = schema -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.lost) }}
{% endmacro %}

{#
  Files of one table are read as one, and DuckDB takes the wider of two types for a column: numbers and times both fit a text, but neither the other. It then
  stops in the middle of a model, with a conversion error that does not say which files disagree.
#}
{% macro check_types(table, names, schemas) %}
    {%- set problems = [] -%}
    {%- for name in names -%}
        {%- set by_kind = {} -%}
        {%- for schema in schemas if name in schema.columns -%}
            {%- do by_kind.setdefault(kind_of_type(schema.columns[name]), [schema.first_file, schema.columns[name] or 'nested']) -%}
        {%- endfor -%}
        {%- set kinds = by_kind.keys() | reject('equalto', 'nothing') | list -%}
        {%- if kinds | length > 1 and ('text' not in kinds or 'nested' in kinds) -%}
            {%- set one, other = by_kind[kinds[0]], by_kind[kinds[1]] -%}
            {%- do problems.append('[R3] ' ~ table ~ ': the column `' ~ name ~ '` is ' ~ one[1] ~ ' in ' ~ one[0] ~ ' and ' ~ other[1] ~ ' in ' ~ other[0]
                ~ ', and one cannot be read as the other. Write both files with the same type; text holds either.') -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{% endmacro %}

{% macro kind_of_type(data_type) %}
    {%- set type = data_type | lower -%}
    {{ return(
        'nested' if type == ''
        else 'nothing' if type == '"null"'
        else 'moment' if 'timestamp' in type or type == 'date'
        else 'text' if is_text_type(type)
        else type if type in ['time', 'blob']
        else 'number'
    ) }}
{% endmacro %}
