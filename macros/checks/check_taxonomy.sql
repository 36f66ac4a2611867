{#
  The seeds, read as files before dbt loads them. What a column may hold stands in seeds/schema/<seed>.yml under config.meta:
  required, unique, type (integer, number, boolean, date, regex), minimum, maximum (as text where a float would not show them), values, pattern,
  reserved (names that may not be used), references (seed.column, or several of which one will do), references_also (words that stand for several of it),
  misspelt_only (a reference to what is not there may be right, unless it is nearly the same as something that is), required_where [column, value],
  regex_where [column, value], equals_where [column, value, what it then has to be], goes_with (a column that must be filled too); and for the seed:
  key (columns that together are unique).
#}
{% macro check_taxonomy() %}
    {%- set problems = [] -%}
    {%- set seeds = {} -%}
    {%- set nodes = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed' and node.package_name == 'customer_journey' -%}
        {%- do nodes.update({node.name: node}) -%}
        {%- do seeds.update({node.name: csv_rows(seed_path(node))}) -%}
    {%- endfor -%}
    {%- for name in nodes | sort -%}
        {%- set node = nodes[name] -%}
        {%- set file = node.original_file_path -%}
        {%- set rules = {} -%}
        {%- for column in node.columns.values() -%}
            {%- do rules.update({column.name: column.config.meta if column.config and column.config.meta else column.meta}) -%}
        {%- endfor -%}
        {%- set found = seeds[name].columns -%}
        {%- for problem in seeds[name].problems -%}
            {%- do problems.append(problem[:4] ~ ' ' ~ file ~ problem[4:]) -%}
        {%- endfor -%}
        {%- set missing = rules.keys() | reject('in', found) | list if seeds[name].is_text else [] -%}
        {%- for column in missing -%}
            {%- do problems.append('[T1] ' ~ file ~ ': the column `' ~ column ~ '` is missing; the file has to begin with: ' ~ rules.keys() | join(',')
                ~ (' (with commas; semicolons or tabs do not part fields)' if found | length == 1 and modules.re.search('[;\\t]', found[0]) else '')) -%}
        {%- endfor -%}
        {%- for column in found if column not in rules -%}
            {%- do problems.append('[T2] ' ~ file ~ ': there is no column `' ~ column ~ '` in this seed.' ~ did_you_mean(column, rules.keys() | list)) -%}
        {%- endfor -%}
        {%- for column in found | unique if found.count(column) > 1 -%}
            {%- do problems.append('[T2] ' ~ file ~ ': the column `' ~ column ~ '` stands twice.') -%}
        {%- endfor -%}
        {%- if not missing -%}
            {%- do check_seed_rows(file, seeds[name].rows, rules, node.config.meta.get('key', []), seeds, problems) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do problems.extend(check_stage_numbers(seeds, nodes)) -%}
    {%- do problems.extend(check_journeys(seeds, nodes)) -%}
    {{ return(problems) }}
{% endmacro %}

{#
  dbt writes what it runs for a file to <target>/run/<project>/<the file's path>. A seed's path that is absolute, or climbs so high that the two meet, is
  then the seed itself, and its rows are gone: such a path stops the run before any seed is loaded.
#}
{% macro check_taxonomy_path() %}
    {%- set problems = [] -%}
    {%- set path = env_var('JOURNEY_TAXONOMY', 'seeds/taxonomy') -%}
    {%- set root = (graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed') | map(attribute='root_path') | list + [''])[0] -%}
    {%- set target_folder = flags.TARGET_PATH or 'target' -%}
    {%- set written = resolved_path((target_folder if target_folder.startswith('/') else root ~ '/' ~ target_folder) ~ '/run/customer_journey/' ~ path) -%}
    {%- if path.startswith('/') or written == resolved_path(root ~ '/' ~ path) -%}
        {%- set climb = '../' * (resolved_path(root) | length) -%}
        {%- do problems.append('[T8] JOURNEY_TAXONOMY is `' ~ path ~ '`: dbt would write its own statements over the seeds there. Give it relative to the project: '
            ~ climb ~ (resolved_path(path if path.startswith('/') else root ~ '/' ~ path) | join('/'))) -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}

{# The parts of an absolute path without '.', '..' and double slashes. #}
{% macro resolved_path(path) %}
    {%- set parts = [] -%}
    {%- for part in path.split('/') if part not in ['', '.'] -%}
        {%- if part != '..' -%}
            {%- do parts.append(part) -%}
        {%- elif parts -%}
            {%- do parts.pop() -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(parts) }}
{% endmacro %}

{# Where the seed's file lies; JOURNEY_TAXONOMY may name a folder outside the project. #}
{% macro seed_path(node) %}
    {{ return(node.root_path ~ '/' ~ node.original_file_path) }}
{% endmacro %}

{% macro check_seed_rows(file, rows, rules, key, seeds, problems) %}
    {%- set keys = [] -%}
    {%- set taken = {} -%}
    {%- for row in rows -%}
        {%- set place = file ~ ', row ' ~ row[''] -%}
        {%- for column, rule in rules.items() -%}
            {%- set value = row[column] -%}
            {%- set here = place ~ ', column ' ~ column ~ ': ' -%}
            {%- set condition = rule.get('required_where') -%}
            {%- if is_blank(value) -%}
                {%- if rule.get('required') or (condition and row[condition[0]] == condition[1]) -%}
                    {%- do problems.append('[T3] ' ~ here ~ 'is empty, and must not be' ~ (' where ' ~ condition[0] ~ ' is ' ~ condition[1] if condition else '') ~ '.') -%}
                {%- endif -%}
            {%- else -%}
                {%- set wrong = wrong_value(value, rule, row, seeds) -%}
                {%- if wrong -%}
                    {%- do problems.append(wrong[:5] ~ here ~ '`' ~ in_one_line(value) ~ '` ' ~ wrong[5:]) -%}
                {%- elif rule.get('goes_with') and is_blank(row[rule.goes_with]) -%}
                    {%- do problems.append('[T3] ' ~ here ~ 'needs `' ~ rule.goes_with ~ '` in the same row.') -%}
                {%- endif -%}
                {%- if rule.get('unique') -%}
                    {%- set known = taken.setdefault(column, []) -%}
                    {%- if value in known -%}
                        {%- do problems.append('[T5] ' ~ here ~ '`' ~ value ~ '` stands in an earlier row already.') -%}
                    {%- endif -%}
                    {%- do known.append(value) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set row_key = [] -%}
        {%- for column in key -%}{%- do row_key.append(row[column] or '') -%}{%- endfor -%}
        {%- if key and row_key in keys -%}
            {%- do problems.append('[T5] ' ~ place ~ ': ' ~ key | join(', ') ~ ' `' ~ row_key | join(', ') ~ '` stands in an earlier row already.') -%}
        {%- endif -%}
        {%- do keys.append(row_key) -%}
    {%- endfor -%}
{% endmacro %}

{# Code and text of what is wrong with a value, or ''. #}
{% macro wrong_value(value, rule, row, seeds) %}
    {%- set kind = rule.get('type') -%}
    {#- an integer column holds 32 bits -#}
    {%- set minimum = rule.get('minimum', -2147483648 if kind == 'integer' else none) -%}
    {%- set maximum = rule.get('maximum', 2147483647 if kind == 'integer' else none) -%}
    {%- if '\x00' in value -%}
        {{ return('[T4] holds a NUL character, at which many tools take a text to end.') }}
    {%- elif kind == 'integer' and not modules.re.fullmatch('-?(0|[1-9][0-9]*)', value) -%}
        {{ return('[T4] is not a whole number' ~ ('; write it without zeros before it.' if modules.re.fullmatch('-?[0-9]+', value) else '.')) }}
    {%- elif kind == 'number' and not modules.re.fullmatch('-?[0-9]+([.][0-9]+)?', value) -%}
        {{ return('[T4] is not a number.') }}
    {%- elif kind == 'boolean' and value not in ['true', 'false'] -%}
        {{ return('[T4] is neither true nor false.') }}
    {%- elif kind == 'date' and not (modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', value) and is_calendar_day(value)) -%}
        {{ return('[T4] is not a date like 2026-01-31.') }}
    {%- elif (kind == 'regex' or ('regex_where' in rule and row[rule.regex_where[0]] == rule.regex_where[1])) and not is_regex(value) -%}
        {{ return('[T4] is not a valid regular expression.') }}
    {%- elif minimum is not none and value | float < minimum | float -%}
        {{ return('[T4] is smaller than ' ~ minimum ~ '.') }}
    {%- elif maximum is not none and value | float > maximum | float -%}
        {{ return('[T4] is greater than ' ~ maximum ~ '.') }}
    {%- elif 'equals_where' in rule and row[rule.equals_where[0]] == rule.equals_where[1] and value != rule.equals_where[2] -%}
        {{ return('[T4] has to be ' ~ rule.equals_where[2] ~ ' where ' ~ rule.equals_where[0] ~ ' is ' ~ rule.equals_where[1] ~ '.') }}
    {%- elif 'values' in rule and value not in rule['values'] -%}
        {{ return('[T4] is not one of: ' ~ rule['values'] | join(', ') ~ '.' ~ did_you_mean(value, rule['values'])) }}
    {%- elif value in rule.get('reserved', []) -%}
        {{ return('[T4] is a name that the tables have a meaning of their own for, as ' ~ rule.reserved | reject('equalto', value) | join(', ') ~ '; choose another.') }}
    {%- elif 'pattern' in rule and not modules.re.fullmatch(rule.pattern, value) -%}
        {{ return('[T4] does not have the form ' ~ rule.pattern ~ '.') }}
    {%- elif 'references' in rule -%}
        {%- set places = [rule.references] if rule.references is string else rule.references -%}
        {%- set known = rule.get('references_also', []) | list -%}
        {%- set told = namespace(all=true) -%}
        {%- for place in places -%}
            {%- set target = place.split('.') -%}
            {%- set other = seeds[target[0]] -%}
            {#- of a file that is wrong itself it cannot be told what it lacks -#}
            {%- if other.problems or target[1] not in other.columns -%}
                {%- set told.all = false -%}
            {%- else -%}
                {%- do known.extend(other.rows | map(attribute=target[1]) | list) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if told.all and value not in known -%}
            {%- set hint = did_you_mean(value, known, at_least=0.8 if rule.misspelt_only else 0.5) -%}
            {%- if hint or not rule.misspelt_only -%}
                {%- set listed = [] -%}
                {%- for place in places -%}
                    {%- set target = place.split('.') -%}
                    {%- set there = seeds[target[0]].rows | map(attribute=target[1]) | list -%}
                    {%- set rest = ' and ' ~ (there | length - 20) ~ ' more' if there | length > 20 else '' -%}
                    {%- do listed.append(target[0] ~ '.csv, column ' ~ target[1] ~ ' (' ~ in_one_line(there[:20] | join(', ')) ~ rest ~ ')') -%}
                {%- endfor -%}
                {{ return('[T6] is not in ' ~ listed | join(', nor in ') ~ (', and none of ' ~ rule.references_also | join(', ') if rule.references_also else '') ~ '.' ~ hint) }}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {{ return('') }}
{% endmacro %}

{# A law over several rows: stages are numbered 1, 2, 3 … without a gap. #}
{% macro check_stage_numbers(seeds, nodes) %}
    {%- set problems = [] -%}
    {%- if 'stages' in seeds and 'stage_number' in seeds['stages'].columns and not seeds['stages'].problems -%}
        {%- set numbers = seeds['stages'].rows | map(attribute='stage_number') | list -%}
        {%- for number in range(1, numbers | length + 1) if number | string not in numbers -%}
            {%- do problems.append('[T7] ' ~ nodes['stages'].original_file_path ~ ': no stage has the stage_number ' ~ number ~ '; number them 1, 2, 3 and so on without a gap.') -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}

{# Can the engine read it as a regular expression? #}
{% macro is_regex(pattern) %}{{ return(adapter.dispatch('is_regex', 'customer_journey')(pattern)) }}{% endmacro %}
{% macro default__is_regex(pattern) %}
    {{ return(run_query("select try(regexp_matches(text, pattern)) is not null from (values ('', " ~ quoted(pattern) ~ ')) as candidate (text, pattern)').rows[0][0]) }}
{% endmacro %}
{# Spark has no try() around rlike: a pattern that Java cannot read stops the statement that uses it. #}
{% macro spark__is_regex(pattern) %}{{ return(true) }}{% endmacro %}
{% macro postgres__is_regex(pattern) %}
    {{ return(run_query('select is_pattern(' ~ quoted(pattern) ~ ')').rows[0][0]) }}
{% endmacro %}
