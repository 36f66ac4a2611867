{#
  What the columns of the KPI tables are, read from the project itself (the yml of each kpi_ model), so that no column can be forgotten and none is described
  twice. Per model under config.meta: period (its date column; none = the whole), period_type, and dimensions (numbers that are no measures).
#}

{# The kpi_ models of the project, by name: empty while dbt parses. #}
{% macro kpi_nodes() %}
    {%- set nodes = {} -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.name.startswith('kpi_') and 'period_type' in node.config.meta -%}
        {%- do nodes.update({node.name: node}) -%}
    {%- endfor -%}
    {%- set in_order = {} -%}
    {%- for name in nodes | sort -%}{%- do in_order.update({name: nodes[name]}) -%}{%- endfor -%}
    {{ return(in_order) }}
{% endmacro %}

{# What a column of a KPI table is: key, period, dimension, numerator, denominator, bound, maturity, note (is_causal and the like) or measure. #}
{% macro kpi_column_role(node, column) %}
    {%- set name, columns = column.name, node.columns -%}
    {%- if name == columns.keys() | first -%}{{ return('key') }}{%- endif -%}
    {%- if name == node.config.meta.period -%}{{ return('period') }}{%- endif -%}
    {%- if name.endswith('is_mature') -%}{{ return('maturity') }}{%- endif -%}
    {%- if name.endswith('_numerator') -%}{{ return('numerator') }}{%- endif -%}
    {%- if name.endswith('_denominator') -%}{{ return('denominator') }}{%- endif -%}
    {%- for ending in ['_lower', '_upper', '_low', '_high'] -%}
        {%- if name.endswith(ending) and name[:-(ending | length)] in columns -%}{{ return('bound') }}{%- endif -%}
    {%- endfor -%}
    {%- if name in node.config.meta.get('dimensions', []) or column.data_type in ['string', 'date'] or name == 'is_control' -%}{{ return('dimension') }}{%- endif -%}
    {%- if column.data_type == 'boolean' -%}{{ return('note') }}{%- endif -%}
    {{ return('measure') }}
{% endmacro %}

{# How a measure is counted: rate, count, amount, duration, ratio, score. By its parts and its ending. #}
{% macro kpi_measure_kind(node, name) %}
    {%- if kpi_parts(node, name).numerator -%}{{ return('rate') }}{%- endif -%}
    {%- if modules.re.search('_count(_[0-9]|$)', name) and not name.endswith('_share') -%}{{ return('count') }}{%- endif -%}
    {%- if name.endswith('_amount') -%}{{ return('amount') }}{%- endif -%}
    {%- if 'seconds' in name or name.endswith('_weeks') -%}{{ return('duration') }}{%- endif -%}
    {%- if name.endswith('_share') or name.endswith('_rate') or name.endswith('_ratio') or name.endswith('_index') or '_per_' in name or name.endswith('_difference') or name.endswith('_lift') -%}{{ return('ratio') }}{%- endif -%}
    {{ return('score') }}
{% endmacro %}

{# The columns that belong to a measure of a model: {numerator, denominator, lower, upper, maturity}, each a name or none. #}
{% macro kpi_parts(node, name) %}
    {%- set stem = name[:-5] if name.endswith('_rate') else name -%}
    {%- set parts = {} -%}
    {%- for part, candidates in {
        'numerator': [stem ~ '_numerator'] if name.endswith('_rate') else [],
        'denominator': [stem ~ '_denominator'] if name.endswith('_rate') else [],
        'lower': [name ~ '_lower', name ~ '_low'],
        'upper': [name ~ '_upper', name ~ '_high'],
        'maturity': kpi_maturity_candidates(node, stem, name)
    }.items() -%}
        {%- do parts.update({part: (candidates | select('in', node.columns.keys() | list) | list + [none])[0]}) -%}
    {%- endfor -%}
    {{ return(parts) }}
{% endmacro %}

{# Names of maturity columns that could be a measure's, the closest first: its own, that of a window in its name, that of the row. #}
{% macro kpi_maturity_candidates(node, stem, name) %}
    {%- set candidates = [stem ~ '_is_mature', name ~ '_is_mature', (name.rsplit('_', 1)[0]) ~ '_is_mature'] -%}
    {%- set window = modules.re.search('_([0-9]+[dh])(_|$)', name) -%}
    {%- if window -%}
        {%- for column in node.columns if column.endswith('_' ~ window.group(1) ~ '_is_mature') -%}{%- do candidates.append(column) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(candidates + ['is_mature']) }}
{% endmacro %}

{# The columns of a KPI table that tell its rows apart beside the period, other than the segment. #}
{% macro kpi_dimensions(node) %}
    {%- set names = [] -%}
    {%- for column in node.columns.values() if kpi_column_role(node, column) == 'dimension' and column.name not in ['segment_type', 'segment_value'] -%}
        {%- do names.append(column.name) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}

{# The window in which a measure counts, in words: from its name, or that of the row. #}
{% macro kpi_window(name) %}
    {%- set window = modules.re.search('_([0-9]+)([dh])(_|$)', name) -%}
    {%- if window -%}{{ return(window.group(1) ~ (' x 24 h' if window.group(2) == 'd' else ' h')) }}{%- endif -%}
    {{ return('the period') }}
{% endmacro %}

{% macro kpi_null_rule(node, name, description) %}
    {%- set own = modules.re.search('(NULL [^.;]*)', description) -%}
    {%- if own -%}{{ return(own.group(1)) }}{%- endif -%}
    {{ return({
        'rate': 'NULL where the denominator is 0', 'count': 'never NULL: 0 for nobody', 'amount': 'NULL where a part is unknown',
        'duration': 'NULL for no rows', 'ratio': 'NULL where what it is divided by is 0', 'score': 'NULL where there is nothing to compute it from'
    }[kpi_measure_kind(node, name)]) }}
{% endmacro %}

{# name=value of the columns, joined by '; ', in the order of the table: the rest of a KPI row's grain as one text; '' for none. #}
{% macro dimension_text(names) -%}
    {%- if not names -%}
'' 
    {%- else -%}
    {%- for name in names -%}
        {{ quoted(('; ' if not loop.first else '') ~ name ~ '=') }} || coalesce(cast({{ name }} as {{ dbt.type_string() }}), ''){{ ' || ' if not loop.last }}
    {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
  Body of metric_definitions: what is not described in the yml of a kpi_ model does not pass the project's laws. One list of values: hundreds of selects under
  each other are more than some engines can plan.
#}
{% macro metric_definitions() %}
{%- set names = [
    'metric', 'table_name', 'column_name', 'role', 'kind', 'description', 'numerator', 'denominator', 'counted_within', 'null_rule', 'maturity_column', 'grain'
] -%}
{%- set rows = [] -%}
{%- for node in kpi_nodes().values() -%}
    {%- for column in node.columns.values() -%}
        {%- set role = kpi_column_role(node, column) -%}
        {%- set is_measure = role == 'measure' -%}
        {%- set parts = kpi_parts(node, column.name) if is_measure else {} -%}
        {%- set values = [
            node.name ~ '.' ~ column.name, node.name, column.name, role,
            kpi_measure_kind(node, column.name) if is_measure else none,
            column.description,
            node.columns[parts.numerator].description if parts.numerator else none,
            node.columns[parts.denominator].description if parts.denominator else none,
            kpi_window(column.name) if is_measure else none,
            kpi_null_rule(node, column.name, column.description) if is_measure else none,
            parts.maturity or none,
            node.description
        ] -%}
        {%- do rows.append('(' ~ quoted_list(values) ~ ')') -%}
    {%- endfor -%}
{%- endfor %}
select
    {%- for name in names %}
    cast({{ name }} as {{ dbt.type_string() }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}

from (
    values
    {{ rows | join(',\n    ') if rows else '(' ~ (['null'] * (names | length)) | join(', ') ~ ')' }}
) as metric_definitions ({{ names | join(', ') }})
where metric is not null
{% endmacro %}

{# Body of kpi_long: every measure of every KPI table in one form. #}
{% macro kpi_long() %}
{%- set text = dbt.type_string() -%}
{%- set columns = {
    'kpi_value_id': text, 'metric': text, 'row_id': text, 'period_type': text, 'period_start_date': 'date', 'segment_type': text, 'segment_value': text,
    'dimensions': text, 'numerator': 'double', 'denominator': 'double', 'value': 'double', 'value_lower': 'double', 'value_upper': 'double', 'is_mature': 'boolean'
} -%}
{%- for node in kpi_nodes().values() %}
    {%- set measures = [] %}
    {%- for column in node.columns.values() if kpi_column_role(node, column) == 'measure' -%}{%- do measures.append(column.name) -%}{%- endfor %}
{{ measures_of(node, measures) }}
{{ 'union all' if not loop.last }}
{%- else %}
select
    {%- for name, data_type in columns.items() %}
    cast(null as {{ data_type }}) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
where 1 = 0
{%- endfor %}
{% endmacro %}

{# What is the same for all measures of a KPI table, as select list. #}
{% macro measure_row(node) -%}
{%- set columns = node.columns.keys() | list -%}
    {{ columns[0] }} as row_id,
    {{ quoted(node.config.meta.period_type) if node.config.meta.period_type != 'period' else 'period_type' }} as period_type,
    {{ 'cast(' ~ node.config.meta.period ~ ' as date)' if node.config.meta.period else 'cast(null as date)' }} as period_start_date,
    {{ 'segment_type' if 'segment_type' in columns else quoted('all') }} as segment_type,
    {{ 'segment_value' if 'segment_value' in columns else quoted('all') }} as segment_value,
    {{ dimension_text(kpi_dimensions(node)) }} as dimensions
{%- endmacro %}
