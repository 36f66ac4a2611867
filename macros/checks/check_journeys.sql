{#
  Laws over several rows of the seeds of journeys and funnels: [T7]. Each file is only looked at where it and those it leans on can be read and have their columns.
#}
{% macro check_journeys(seeds, nodes) %}
    {%- set problems = [] -%}
    {%- set readable = namespace(all=true) -%}
    {%- for name in ['journeys', 'journey_steps', 'journey_rules', 'funnels', 'funnel_steps'] -%}
        {%- set columns = nodes[name].columns.keys() | list if name in nodes else [] -%}
        {%- if name not in seeds or seeds[name].problems or columns | reject('in', seeds[name].columns) | list -%}
            {%- set readable.all = false -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if readable.all -%}
        {%- do check_journey_rows(seeds, nodes, problems) -%}
        {%- do check_funnel_rows(seeds, nodes, problems) -%}
    {%- endif -%}
    {{ return(problems) }}
{% endmacro %}

{% macro check_journey_rows(seeds, nodes, problems) %}
    {%- set journeys_file, steps_file, rules_file = nodes['journeys'].original_file_path, nodes['journey_steps'].original_file_path, nodes['journey_rules'].original_file_path -%}
    {%- set versions = {} -%}
    {%- for row in seeds['journeys'].rows -%}
        {%- do versions.update({(row.journey, row.version): {'row': row, 'steps': {}, 'numbers': [], 'entries': 0}}) -%}
    {%- endfor -%}
    {%- for row in seeds['journeys'].rows -%}
        {%- if not is_blank(row.valid_from) and not is_blank(row.valid_to) and row.valid_from >= row.valid_to -%}
            {%- do problems.append('[T7] ' ~ journeys_file ~ ', row ' ~ row[''] ~ ', column valid_to: `' ~ row.valid_to ~ '` is not after valid_from (' ~ row.valid_from
                ~ '): nobody could enter this version.') -%}
        {%- endif -%}
        {%- for other in seeds['journeys'].rows if other.journey == row.journey and other[''] < row[''] and other.version != row.version -%}
            {%- if (is_blank(row.valid_to) or is_blank(other.valid_from) or other.valid_from < row.valid_to)
                and (is_blank(other.valid_to) or is_blank(row.valid_from) or row.valid_from < other.valid_to) -%}
                {%- do problems.append('[T7] ' ~ journeys_file ~ ', row ' ~ row[''] ~ ': version ' ~ row.version ~ ' of `' ~ row.journey ~ '` is valid at the same time as version '
                    ~ other.version ~ ' (row ' ~ other[''] ~ '). Let one end (valid_to) on the day on which the other begins (valid_from).') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for row in seeds['journey_steps'].rows -%}
        {%- set place = '[T7] ' ~ steps_file ~ ', row ' ~ row[''] -%}
        {%- set version = versions.get((row.journey, row.version)) -%}
        {%- if version is none -%}
            {%- do problems.append(place ~ ': journeys.csv has no version `' ~ row.version ~ '` of `' ~ row.journey ~ '`.') -%}
        {%- else -%}
            {%- if row.step_number in version.numbers -%}
                {%- do problems.append(place ~ ', column step_number: another step of this version has the number ' ~ row.step_number ~ ' already.') -%}
            {%- endif -%}
            {%- do version.numbers.append(row.step_number) -%}
            {%- do version.steps.update({row.step: row.is_required}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for row in seeds['journey_rules'].rows -%}
        {%- set place = '[T7] ' ~ rules_file ~ ', row ' ~ row[''] -%}
        {%- set version = versions.get((row.journey, row.version)) -%}
        {%- if version is none -%}
            {%- do problems.append(place ~ ': journeys.csv has no version `' ~ row.version ~ '` of `' ~ row.journey ~ '`.') -%}
        {%- else -%}
            {%- if row.rule == 'edge' -%}
                {%- for column in ['from_step', 'to_step'] if not is_blank(row[column]) and row[column] not in version.steps -%}
                    {%- do problems.append(place ~ ', column ' ~ column ~ ': `' ~ row[column] ~ '` is no step of version ' ~ row.version ~ ' of `' ~ row.journey ~ '`; its steps are: '
                        ~ version.steps.keys() | join(', ') ~ '.' ~ did_you_mean(row[column], version.steps.keys() | list)) -%}
                {%- endfor -%}
                {%- if not is_blank(row.trigger) -%}
                    {%- do problems.append(place ~ ', column trigger: an edge has none; leave it empty.') -%}
                {%- endif -%}
            {%- else -%}
                {%- for column in ['name', 'trigger'] if is_blank(row[column]) -%}
                    {%- do problems.append('[T3] ' ~ place[5:] ~ ', column ' ~ column ~ ': is empty, and must not be where rule is ' ~ row.rule ~ '.') -%}
                {%- endfor -%}
                {%- if row.trigger == 'steps' and row.rule != 'completion' -%}
                    {%- do problems.append(place ~ ', column trigger: `steps` (all required steps are done) is for completions only.') -%}
                {%- elif row.trigger == 'steps' and 'true' not in version.steps.values() -%}
                    {%- do problems.append(place ~ ', column trigger: `steps` means all required steps, and version ' ~ row.version ~ ' of `' ~ row.journey
                        ~ '` has none in journey_steps.csv (is_required true).') -%}
                {%- endif -%}
            {%- endif -%}
            {%- if row.rule == 'entry' -%}{%- do version.update({'entries': version.entries + 1}) -%}{%- endif -%}
            {%- if row.rule == 'readmission' -%}
                {%- set bars = [] -%}
                {%- for other in seeds['journey_rules'].rows if other.journey == row.journey and other.version == row.version and other.rule == 'exclusion' -%}
                    {%- do bars.append(other.name) -%}
                {%- endfor -%}
                {%- if row.name not in bars -%}
                    {%- do problems.append(place ~ ', column name: `' ~ row.name ~ '` lets in again whom no exclusion of that name keeps out; exclusions are: '
                        ~ (bars | join(', ') or '(none)') ~ '.' ~ did_you_mean(row.name or '', bars)) -%}
                {%- endif -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for version in versions.values() if not version.entries -%}
        {%- do problems.append('[T7] ' ~ journeys_file ~ ', row ' ~ version.row[''] ~ ': version ' ~ version.row.version ~ ' of `' ~ version.row.journey
            ~ '` has no entry: add a row with the rule `entry` to journey_rules.csv.') -%}
    {%- endfor -%}
{% endmacro %}

{% macro check_funnel_rows(seeds, nodes, problems) %}
    {%- set funnels_file, steps_file = nodes['funnels'].original_file_path, nodes['funnel_steps'].original_file_path -%}
    {%- set funnels = {} -%}
    {%- for row in seeds['funnels'].rows -%}
        {%- do funnels.update({row.funnel: {'row': row, 'steps': {}, 'events': {}}}) -%}
    {%- endfor -%}
    {%- for row in seeds['funnel_steps'].rows if row.role == 'step' and row.funnel in funnels and modules.re.fullmatch('[0-9]{1,9}', row.step_number or '') -%}
        {%- set place = '[T7] ' ~ steps_file ~ ', row ' ~ row[''] -%}
        {%- set funnel = funnels[row.funnel] -%}
        {%- set number = row.step_number | int -%}
        {%- set is_optional = row.is_optional == 'true' -%}
        {%- if number in funnel.steps and funnel.steps[number] != {'step': row.step, 'is_optional': is_optional} -%}
            {%- do problems.append(place ~ ': the rows of step ' ~ number ~ ' of `' ~ row.funnel ~ '` differ in step or is_optional; of rows with one number any will do, so they are one step.') -%}
        {%- endif -%}
        {%- do funnel.steps.update({number: {'step': row.step, 'is_optional': is_optional}}) -%}
        {%- if is_optional and funnel.row.step_order != 'ordered' -%}
            {%- do problems.append(place ~ ', column is_optional: only an ordered funnel has optional steps, and `' ~ row.funnel ~ '` is ' ~ funnel.row.step_order ~ '.') -%}
        {%- endif -%}
        {%- set what = (row.event_name, row.property or '', row.property_value or '') -%}
        {%- if funnel.row.step_order == 'any' and funnel.events.get(what, number) != number -%}
            {%- do problems.append(place ~ ': step ' ~ funnel.events[what] ~ ' of `' ~ row.funnel ~ '` is the same event; in any order, steps have to differ.') -%}
        {%- endif -%}
        {%- do funnel.events.update({what: number}) -%}
    {%- endfor -%}
    {%- for row in seeds['funnel_steps'].rows if row.role == 'exclusion' and row.funnel in funnels and not is_blank(row.step_number) -%}
        {%- set place = '[T7] ' ~ steps_file ~ ', row ' ~ row[''] ~ ', column step_number: ' -%}
        {%- set funnel = funnels[row.funnel] -%}
        {%- if funnel.row.step_order != 'ordered' -%}
            {%- do problems.append(place ~ 'only in an ordered funnel an exclusion can lie between two steps, and `' ~ row.funnel ~ '` is ' ~ funnel.row.step_order ~ '; leave it empty.') -%}
        {%- elif funnel.steps.get(row.step_number | int, {'is_optional': true}).is_optional -%}
            {%- set required = [] -%}
            {%- for number, step in funnel.steps.items() if not step.is_optional -%}{%- do required.append(number) -%}{%- endfor -%}
            {%- do problems.append(place ~ '`' ~ row.step_number ~ '` is no step of `' ~ row.funnel ~ '` that has to be done; these are: ' ~ required | sort | join(', ') ~ '.') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name, funnel in funnels.items() -%}
        {%- set required = [] -%}
        {%- for number, step in funnel.steps.items() if not step.is_optional -%}{%- do required.append(number) -%}{%- endfor -%}
        {%- if required | length < 2 -%}
            {%- do problems.append('[T7] ' ~ funnels_file ~ ', row ' ~ funnel.row[''] ~ ': `' ~ name ~ '` has ' ~ required | length
                ~ ' steps that have to be done; a funnel needs two (rows with role `step` in funnel_steps.csv).') -%}
        {%- elif funnel.steps[funnel.steps.keys() | min].is_optional -%}
            {%- do problems.append('[T7] ' ~ steps_file ~ ': the first step of `' ~ name ~ '` is optional; an attempt begins with it, so it has to be done.') -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
