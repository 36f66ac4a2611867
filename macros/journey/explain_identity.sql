{#
  Why are two identifiers one person, or why not? Prints the chain of links between them.

    dbt run-operation explain_identity --args '{from: "anonymous_id:3f9c", to: "user_id:42"}'

  An identifier is given as class:value, as `bridge_person_identifiers` has them, or by its identifier_id. Reads what the last build made, changes nothing.
  Where the two are one person the chain is a shortest one of links in use; otherwise one with as few links out of use as can be, each with its reason.
#}
{% macro explain_identity(from, to, max_steps=20) %}
    {%- if execute -%}
        {%- set start = identifier_facts(from) -%}
        {%- set goal = identifier_facts(to) -%}
        {%- set is_one_person = start.person_id == goal.person_id -%}
        {%- do print('\n' ~ start.name ~ '\n' ~ goal.name ~ '\n' ~ ('are one person: ' ~ start.person_id if is_one_person
            else 'are two people: ' ~ start.person_id ~ ' and ' ~ goal.person_id) ~ '.\n') -%}
        {%- if start.identifier_id == goal.identifier_id -%}
            {%- do print('They are one and the same identifier.') -%}
        {%- elif start.neighbourhood_id != goal.neighbourhood_id -%}
            {%- do print('Nothing that connects them has ever been seen, not even by way of other identifiers.') -%}
        {%- else -%}
            {%- set steps = shortest_chain(start, goal, links_around(start, is_one_person)) -%}
            {%- for step in steps -%}
                {%- if steps | length <= max_steps or loop.index <= max_steps // 2 or loop.revindex <= max_steps // 2 -%}
                    {%- do print(step_in_words(step)) -%}
                {%- elif loop.index == max_steps // 2 + 1 -%}
                    {%- do print('  … ' ~ (steps | length - max_steps // 2 * 2) ~ ' more links of the same kind (max_steps shows more) …') -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if not is_one_person -%}
                {%- do print('\nThe links marked ✗ do not count, so this chain makes them no person.') -%}
            {%- else -%}
                {%- do print('\nTo part them, write one of these links into seeds/taxonomy/blocked_links.csv and build again.') -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{# What is known of an identifier: {identifier_id, person_id, neighbourhood_id, name}; stops where there is none. #}
{% macro identifier_facts(text) %}
    {%- set parts = (text | string).split(':', 1) -%}
    {%- set is_key = modules.re.match('^[0-9a-f]{32}$', text | string) -%}
    {%- if not is_key and (parts | length < 2 or parts[0] not in identifier_classes()) -%}
        {{ exceptions.raise_compiler_error('[I1] `' ~ text ~ '` is no identifier: write class:value, for example user_id:42. Classes are '
            ~ identifier_classes() | join(', ') ~ '.' ~ did_you_mean(parts[0], identifier_classes())) }}
    {%- endif -%}
    {%- set found = run_query(
        'select identifier_id, identifier_class, identifier_value, person_id, neighbourhood_id, is_shared, user_count from '
        ~ identity_relation('int_identifiers_resolved') ~ ' where identifier_id = ' ~ quoted(text if is_key else local_md5(text | string))
    ).rows -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error('[I2] `' ~ text ~ '` has never been seen. A value that stands for nobody (placeholder_identifiers.csv) is not kept; '
            ~ 'e-mails and phone numbers are kept as keyed hashes; look in bridge_person_identifiers for how it is written.') }}
    {%- endif -%}
    {%- set row = found[0] -%}
    {{ return({
        'identifier_id': row[0],
        'person_id': row[3],
        'neighbourhood_id': row[4],
        'name': row[1] ~ ':' ~ row[2] ~ (' (shared: seen with ' ~ row[6] ~ ' users)' if row[5] else '')
    }) }}
{% endmacro %}

{% macro identity_relation(model_name) %}
    {{ return(relation_in(generate_schema_name('intermediate', none), model_name)) }}
{% endmacro %}

{# The links in use of one person, or else all links of the neighbourhood, as rows. #}
{% macro links_around(start, is_one_person) %}
    {{ return(run_query(
        'select links.identifier_a, links.identifier_b, links.link_status, links.evidence, links.first_seen_at, links.last_seen_at, links.sighting_count, '
        ~ "links.identifier_class_a || ':' || links.identifier_value_a, links.identifier_class_b || ':' || links.identifier_value_b, "
        ~ 'ends_a.is_shared, ends_a.user_count, ends_b.is_shared, ends_b.user_count '
        ~ 'from ' ~ identity_relation('int_identity_links_judged') ~ ' as links '
        ~ 'inner join ' ~ identity_relation('int_identifiers_resolved') ~ ' as ends_a on links.identifier_a = ends_a.identifier_id '
        ~ 'inner join ' ~ identity_relation('int_identifiers_resolved') ~ ' as ends_b on links.identifier_b = ends_b.identifier_id '
        ~ 'where ' ~ (
            "links.link_status = 'used' and links.person_id_a = " ~ quoted(start.person_id) if is_one_person
            else 'ends_a.neighbourhood_id = ' ~ quoted(start.neighbourhood_id)
        ) ~ ' order by links.identifier_a, links.identifier_b'
    ).rows) }}
{% endmacro %}

{#
  The steps of a chain from start to goal: fewest links out of use first, then fewest links. Breadth first, one level for each link out of use: a level is
  walked to its end over links in use before one out of use leads to the next.
#}
{% macro shortest_chain(start, goal, links) %}
    {%- set neighbours = {} -%}
    {%- for link in links -%}
        {%- do neighbours.setdefault(link[0], []).append([link[1], link, link[7], link[8]]) -%}
        {%- do neighbours.setdefault(link[1], []).append([link[0], link, link[8], link[7]]) -%}
    {%- endfor -%}
    {%- set came_by = {start.identifier_id: none} -%}
    {%- set state = namespace(level=[start.identifier_id]) -%}
    {%- for level in range(links | length + 1) if state.level and goal.identifier_id not in came_by -%}
        {#- the list grows while it is walked -#}
        {%- for node in state.level -%}
            {%- for step in neighbours.get(node, []) if step[1][2] == 'used' and step[0] not in came_by -%}
                {%- do came_by.update({step[0]: [node, step]}) -%}
                {%- do state.level.append(step[0]) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set next_level = [] -%}
        {%- for node in state.level -%}
            {%- for step in neighbours.get(node, []) if step[0] not in came_by -%}
                {%- do came_by.update({step[0]: [node, step]}) -%}
                {%- do next_level.append(step[0]) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set state.level = next_level -%}
    {%- endfor -%}
    {%- set steps = [] -%}
    {%- set walk = namespace(node=goal.identifier_id) -%}
    {%- for number in range(links | length) if came_by.get(walk.node) -%}
        {%- do steps.append(came_by[walk.node][1]) -%}
        {%- set walk.node = came_by[walk.node][0] -%}
    {%- endfor -%}
    {{ return(steps | reverse | list) }}
{% endmacro %}

{% macro step_in_words(step) %}
    {%- set link = step[1] -%}
    {%- set is_used = link[2] == 'used' -%}
    {%- set reasons = {
        'used': '',
        'blocked': 'blocked in blocked_links.csv',
        'shared_identifier': (link[7] ~ ' was seen with ' ~ link[10] if link[9] else link[8] ~ ' was seen with ' ~ link[12])
            ~ ' users, so it stands for none of them',
        'ambiguous': 'the unnamed devices that it joins lead to several people'
    } -%}
    {{ return(
        '  ' ~ ('✓ ' if is_used else '✗ ') ~ step[2] ~ '  —  ' ~ step[3]
        ~ '\n      seen together ' ~ link[6] ~ ' times, ' ~ link[4] ~ ' to ' ~ link[5] ~ ' (' ~ link[3] ~ ')'
        ~ ('' if is_used else '\n      does not count: ' ~ reasons[link[2]])
        ~ '\n      link ' ~ link[0] ~ ',' ~ link[1]
    ) }}
{% endmacro %}
