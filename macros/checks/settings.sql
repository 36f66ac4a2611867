{#
  What shapes the incremental tables. A model writes these beside its loads; when one differs at the next run, the old rows were made under other rules,
  and only --full-refresh makes the whole table speak one language again.
#}
{% macro shaping_settings() %}
    {%- set settings = {} -%}
    {%- for name in ['session_timeout_seconds', 'session_cap_hours', 'dormant_after_days', 'habit_days', 'habit_window_days', 'reporting_timezone',
        'earliest_event_at', 'event_properties', 'generic_tables'] -%}
        {%- do settings.update({'var ' ~ name: local_md5(tojson(var(name), sort_keys=true)) if var(name) is not string and var(name) is not integer else var(name) | string}) -%}
    {%- endfor -%}
    {%- for name, version in seeds_of_the_run().items() if name in [
        'events', 'event_rules', 'identifier_rules', 'placeholder_identifiers', 'excluded_traffic', 'stages', 'stage_rules', 'milestones', 'goals'
    ] -%}
        {%- do settings.update({'seed ' ~ name: version}) -%}
    {%- endfor -%}
    {{ return(settings) }}
{% endmacro %}

{#
  Name -> version of each seed as this run reads it: the file's where the run loads it, else the one that was loaded, which an edited file says nothing of.
  On engines that write no versions of seeds, the file's.
#}
{% macro seeds_of_the_run() %}
    {%- set seeds, found = [], {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'seed' -%}
        {%- do seeds.append(node) -%}
    {%- endfor -%}
    {#- a whole build loads them all, and need not ask -#}
    {%- if flags.WHICH in ['run', 'build'] and seeds | rejectattr('unique_id', 'in', selected_resources) | list -%}
        {%- for row in run_query('select node_id, version from ' ~ versions_relation() ~ " where node_id like 'seed.%'").rows -%}
            {%- do found.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set versions = {} -%}
    {%- for node in seeds -%}
        {%- set of_file = seed_version(node) or node.checksum.checksum -%}
        {%- do versions.update({node.name: of_file if node.unique_id in selected_resources else found.get(node.unique_id, of_file)}) -%}
    {%- endfor -%}
    {{ return(versions) }}
{% endmacro %}

{#
  Everything that a user has set: each var, and the content of each seed, by name. Written down at the start of a build for whoever asks later under which
  configuration the tables were made (tools.publish puts its hash beside the tables).
#}
{% macro all_settings() %}
    {%- set settings = {} -%}
    {%- for name in var_rules() -%}
        {%- do settings.update({'var ' ~ name: tojson(var(name), sort_keys=true)}) -%}
    {%- endfor -%}
    {%- for name, version in seeds_of_the_run().items() -%}
        {%- do settings.update({'seed ' ~ name: version}) -%}
    {%- endfor -%}
    {{ return(settings) }}
{% endmacro %}

{% macro configuration_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'build_configuration', 'table')) }}
{%- endmacro %}

{% macro record_configuration() %}
    {%- set rows = [] -%}
    {%- for setting, value in all_settings().items() -%}
        {%- do rows.append('(' ~ quoted(setting) ~ ', ' ~ quoted(value) ~ ')') -%}
    {%- endfor -%}
    {%- do run_query('delete from ' ~ configuration_relation() ~ ' where 1 = 1') -%}
    {%- do run_query('insert into ' ~ configuration_relation() ~ ' values ' ~ rows | join(', ')) -%}
{% endmacro %}

{% macro settings_relation() -%}
{{ return(relation_in(generate_schema_name('intermediate', none), 'build_settings', 'table')) }}
{%- endmacro %}

{% macro check_settings_unchanged() %}
    {%- set problems = [] -%}
    {%- if not flags.FULL_REFRESH -%}
        {%- set current = shaping_settings() -%}
        {%- for row in run_query('select distinct setting, value from ' ~ settings_relation() ~ of_incremental_models() ~ ' order by setting, value').rows -%}
            {%- if row[0] in current and current[row[0]] != row[1] -%}
                {%- set detail = ' from ' ~ row[1] ~ ' to ' ~ current[row[0]] if row[0].startswith('var ') and row[1] | length < 32 else '' -%}
                {%- do problems.append('[C1] ' ~ row[0] ~ ' has changed' ~ detail ~ ' since the tables were built. Rows made before would follow other rules than new ones:'
                    ~ ' run again with --full-refresh (make build FULL=1), or undo the change.') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}

{# Statement that writes the settings of the running model, after its old ones are gone. #}
{% macro record_settings() -%}
    {%- set rows = [] -%}
    {%- for setting, value in shaping_settings().items() -%}
        {%- do rows.append('(' ~ quoted(model.name) ~ ', ' ~ quoted(setting) ~ ', ' ~ quoted(value) ~ ')') -%}
    {%- endfor -%}
    {%- do run_query('delete from ' ~ settings_relation() ~ ' where model_name = ' ~ quoted(model.name)) -%}
    {%- do run_query('insert into ' ~ settings_relation() ~ ' values ' ~ rows | join(', ')) -%}
{%- endmacro %}
