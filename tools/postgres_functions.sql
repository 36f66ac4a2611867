-- What the models' SQL says and PostgreSQL 15 has no word for; made anew before each run by
-- tools/postgres_dbt.py in the schema journey_engine, which stands in the search path.

create schema if not exists journey_engine;
set local search_path = journey_engine;

-- types by the names that contracts and casts give them
do $$
begin
    if to_regtype('journey_engine.double') is null then
        create domain journey_engine.double as double precision;
    end if;
    if to_regtype('journey_engine.string') is null then
        create domain journey_engine.string as text;
    end if;
end
$$;

-- the files that lie in raw tables already
create table if not exists loaded_files (
    relation text not null,
    file text not null,
    file_number bigint generated always as identity,
    bytes bigint not null,
    modified_ns bigint not null,
    primary key (relation, file)
);

create or replace function contains(content text, part text) returns boolean
language sql immutable strict parallel safe
as $$ select strpos(content, part) > 0 $$;

-- PostgreSQL's own rounds a half to the even number
create or replace function journey_round(number double precision, digits integer) returns double precision
language sql immutable strict parallel safe
as $$ select sign(number) * floor(abs(number) * power(10::double precision, digits) + 0.5::double precision) / power(10::double precision, digits) $$;

create or replace function round(number double precision, digits integer) returns double precision
language sql immutable strict parallel safe
as $$ select journey_engine.journey_round(number, digits) $$;

/*
  A pattern of the models in PostgreSQL's words. There the point also takes a line break, the classes \s, \d, \w and [:alpha:] know all of Unicode, and \b is
  another thing.
*/
create or replace function pattern_here(pattern text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    letter text;
    next_letter text;
    named_class text;
    spelled text := '';
    place integer := 1;
    is_in_class boolean := false;
    class_begins_at integer := 0;
begin
    while place <= length(pattern) loop
        letter := substr(pattern, place, 1);
        if letter = '\' then
            next_letter := substr(pattern, place + 1, 1);
            spelled := spelled || case
                when next_letter = 's' and is_in_class then ' \t\n\f\r'
                when next_letter = 's' then '[ \t\n\f\r]'
                when next_letter = 'S' and not is_in_class then '[^ \t\n\f\r]'
                when next_letter = 'd' and is_in_class then '0-9'
                when next_letter = 'd' then '[0-9]'
                when next_letter = 'D' and not is_in_class then '[^0-9]'
                when next_letter = 'w' and is_in_class then '0-9A-Za-z_'
                when next_letter = 'w' then '[0-9A-Za-z_]'
                when next_letter = 'W' and not is_in_class then '[^0-9A-Za-z_]'
                when next_letter = 'b' and not is_in_class then '\y'
                when next_letter = 'B' and not is_in_class then '\Y'
                when next_letter = 'z' and not is_in_class then '\Z'
                else '\' || next_letter
            end;
            place := place + 2;
        else
            if letter = '[' and not is_in_class then
                is_in_class := true;
                class_begins_at := place + case when substr(pattern, place + 1, 1) = '^' then 2 else 1 end;
                spelled := spelled || letter;
            elsif letter = '[' and substr(pattern, place + 1, 1) = ':' then
                -- its end is not the class's
                named_class := substr(pattern, place, strpos(substr(pattern, place), ':]') + 1);
                spelled := spelled || case named_class
                    when '[:alpha:]' then 'A-Za-z'
                    when '[:alnum:]' then '0-9A-Za-z'
                    when '[:digit:]' then '0-9'
                    when '[:lower:]' then 'a-z'
                    when '[:upper:]' then 'A-Z'
                    when '[:word:]' then '0-9A-Za-z_'
                    when '[:space:]' then ' \t\n\v\f\r'
                    when '[:punct:]' then '!-/:-@\[-`{-~'
                    else named_class
                end;
                place := place + length(named_class) - 1;
            elsif letter = '[' then
                spelled := spelled || '\[';
            elsif letter = ']' and is_in_class and place > class_begins_at then
                is_in_class := false;
                spelled := spelled || letter;
            elsif letter = '.' and not is_in_class then
                spelled := spelled || '[^\n]';
            else
                spelled := spelled || letter;
            end if;
            place := place + 1;
        end if;
    end loop;
    return spelled;
end
$$;

create or replace function regexp_matches_here(content text, pattern text) returns boolean
language sql immutable strict parallel safe
as $$ select content ~ journey_engine.pattern_here(pattern) $$;

create or replace function regexp_extract(content text, pattern text, group_number integer) returns text
language sql immutable strict parallel safe
as $$ select regexp_substr(content, journey_engine.pattern_here(pattern), 1, 1, '', group_number) $$;

create or replace function is_pattern(pattern text) returns boolean
language plpgsql immutable strict
as $$
begin
    perform '' ~ journey_engine.pattern_here(pattern);
    return true;
exception when invalid_regular_expression then
    return false;
end
$$;

-- casts that give NULL for what does not fit; what catches an error here may not run in a parallel worker
create or replace function try_bigint(content anyelement) returns bigint
language plpgsql immutable strict
as $$
begin
    return cast(round(cast(cast(content as text) as numeric)) as bigint);
exception when data_exception or feature_not_supported then -- the latter for NaN
    return null;
end
$$;

create or replace function try_double(content anyelement) returns double precision
language plpgsql immutable strict
as $$
begin
    return cast(cast(content as text) as double precision);
exception when data_exception then
    return null;
end
$$;

create or replace function try_amount(content anyelement) returns numeric(18, 4)
language plpgsql immutable strict
as $$
begin
    return nullif(cast(cast(cast(content as text) as numeric) as numeric(18, 4)), 'NaN');
exception when data_exception then
    return null;
end
$$;

create or replace function try_timestamp(content text) returns timestamp
language plpgsql immutable strict
as $$
begin
    return cast(content as timestamp);
exception when data_exception then
    return null;
end
$$;

create or replace function try_instant(content text) returns timestamp
language plpgsql immutable strict
as $$
begin
    return timezone('UTC', cast(content as timestamptz));
exception when data_exception then
    return null;
end
$$;

-- microseconds and seconds apart: an interval times a great number is not exact
create or replace function timestamp_of(us bigint) returns timestamp
language sql immutable strict parallel safe
as $$ select timestamp '1970-01-01' + us / 1000000 * interval '1 second' + us % 1000000 * interval '1 microsecond' $$;

create or replace function is_json(content text) returns boolean
language plpgsql immutable strict
as $$
begin
    perform cast(content as json);
    return true;
exception when data_exception then
    return false;
end
$$;

-- a JSON string in DuckDB's spelling: control characters in upper-case hex
create or replace function json_string(content text) returns text
language sql immutable strict parallel safe
as $$
    select case
        when content ~ '[\x0b\x0e\x0f\x1a-\x1f]' then (
            select '"' || string_agg(
                case
                    when letter ~ '[\x0b\x0e\x0f\x1a-\x1f]' then '\u' || upper(lpad(to_hex(ascii(letter)), 4, '0'))
                    else substr(to_json(letter)::text, 2, length(to_json(letter)::text) - 2)
                end,
                '' order by place
            ) || '"'
            from regexp_split_to_table(content, '') with ordinality as letters (letter, place)
        )
        else to_json(content)::text
    end
$$;

-- a value of a JSON text without white space, numbers as DuckDB writes them
create or replace function json_compact(content json) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    spelled text;
begin
    case json_typeof(content)
        when 'object' then
            return (
                select '{' || coalesce(string_agg(journey_engine.json_string(key) || ':' || journey_engine.json_compact(value), ',' order by place), '') || '}'
                from json_each(content) with ordinality as members (key, value, place)
            );
        when 'array' then
            return (
                select '[' || coalesce(string_agg(journey_engine.json_compact(value), ',' order by place), '') || ']'
                from json_array_elements(content) with ordinality as members (value, place)
            );
        when 'string' then
            return journey_engine.json_string(content #>> '{}');
        when 'number' then
            spelled := btrim(content::text, E' \t\n\r');
            if spelled ~ '[.eE]' then
                spelled := spelled::double precision::text;
                if spelled ~ '^-?[0-9]+$' then
                    spelled := spelled || '.0';
                end if;
            end if;
            return spelled;
        else
            return btrim(content::text, E' \t\n\r');
    end case;
end
$$;

-- the first member of that name, as text; \u0000, which text cannot hold here, as U+FFFD
create or replace function json_member(content text, member text) returns text
language plpgsql immutable strict
as $$
declare
    found json;
begin
    if strpos(content, '\u0000') > 0 then
        content := regexp_replace(content, '((?:^|[^\\])(?:\\\\)*)\\u0000', '\1\\ufffd', 'g');
    end if;
    if json_typeof(content::json) <> 'object' then
        return null;
    end if;
    select value into found from json_each(content::json) with ordinality as members (key, value, place) where key = member order by place limit 1;
    return case
        when json_typeof(found) = 'string' then found #>> '{}'
        when json_typeof(found) <> 'null' then journey_engine.json_compact(found)
    end;
exception when data_exception then
    return null;
end
$$;

-- the text is well formed, or the macro that calls this has kept it away; what it stands for may still be no UTF-8
create or replace function url_decode(content text) returns text
language plpgsql immutable strict
as $$
begin
    return (
        select convert_from(
            string_agg(case when part[1] like '\%__' then decode(substr(part[1], 2), 'hex') else convert_to(part[1], 'UTF8') end, ''::bytea order by place), 'UTF8'
        )
        from regexp_matches(content, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') with ordinality as parts (part, place)
    );
exception when character_not_in_repertoire or untranslatable_character then
    return content;
end
$$;

-- the first, or last, value of a window that is not NULL: a strict step skips NULL
create or replace function keep_first(state anyelement, content anyelement) returns anyelement
language sql immutable strict parallel safe
as $$ select state $$;

create or replace function keep_last(state anyelement, content anyelement) returns anyelement
language sql immutable strict parallel safe
as $$ select content $$;

create or replace aggregate first_not_null(anyelement) (sfunc = keep_first, stype = anyelement);
create or replace aggregate last_not_null(anyelement) (sfunc = keep_last, stype = anyelement);

-- the walk of macro taken_in_turn: next free place, next free moment, then the places taken
create or replace function walk_step(state bigint[], place bigint, at_us bigint, free_place bigint, free_us bigint, cap bigint) returns bigint[]
language sql immutable parallel safe
as $$
    select case
        when place >= state[1] and at_us >= state[2] and cardinality(state) - 2 < cap then array[free_place, free_us] || state[3:] || place
        else state
    end
$$;

create or replace function walk_end(state bigint[]) returns bigint[]
language sql immutable parallel safe
as $$ select state[3:] $$;

create or replace aggregate walk(bigint, bigint, bigint, bigint, bigint) (
    sfunc = walk_step, stype = bigint[], finalfunc = walk_end, initcond = '{-9000000000000000000,-9000000000000000000}'
);
