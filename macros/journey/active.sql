{#
  CTEs that count who is active each day and within windows, for people or for accounts (`unit`): the last is `counted`, one row per date and segment with dau,
  known_dau, new_count, current_count, resurrected_count, dormant_count and one column per window (`windows`: name -> days).
#}
{% macro active_ctes(unit, windows) %}
unit_days as (

    select
        days.{{ unit }}_id as unit_id,
        days.active_date,
        {% if unit == 'person' -%}
        persons.is_known,
        {% else -%}
        true as is_known,
        {% endif -%}
        lag(days.active_date) over (
            partition by days.{{ unit }}_id
            order by days.active_date
        ) as previous_date,
        lead(days.active_date) over (
            partition by days.{{ unit }}_id
            order by days.active_date
        ) as next_date

    from {{ ref('fct_' ~ unit ~ '_days') }} as days
    {%- if unit == 'person' %}
    inner join {{ ref('dim_persons') }} as persons on days.person_id = persons.person_id
    {%- endif %}

),

segmented as (

    select
        unit_days.*,
        segments.segment_type,
        segments.segment_value

    from unit_days
    inner join {{ ref('bridge_' ~ unit ~ '_segments') }} as segments on unit_days.unit_id = segments.{{ unit }}_id

),

-- +1 where a person enters a count, -1 where he leaves it: the running sum is the count on each day, however long the window
changes as (

    select
        segment_type,
        segment_value,
        active_date as date_day,
        count(*) as dau,
        sum(case when is_known then 1 else 0 end) as known_dau,
        sum(case when previous_date is null then 1 else 0 end) as new_count,
        sum(case when {{ days_between('previous_date', 'active_date') }} = 1 then 1 else 0 end) as current_count,
        sum(case when {{ days_between('previous_date', 'active_date') }} > 1 then 1 else 0 end) as resurrected_count,
        0 as dormant_count
        {%- for name, days in windows.items() %},
        sum(
            case when previous_date is null or {{ days_between('previous_date', 'active_date') }} >= {{ days }} then 1 else 0 end
        ) as {{ name }}_change
        {%- endfor %}

    from segmented
    group by segment_type, segment_value, active_date

    union all

    -- active yesterday and not today
    select
        segment_type,
        segment_value,
        {{ add_days('active_date', 1) }} as date_day,
        0 as dau,
        0 as known_dau,
        0 as new_count,
        0 as current_count,
        0 as resurrected_count,
        sum(case when next_date is null or {{ days_between('active_date', 'next_date') }} > 1 then 1 else 0 end) as dormant_count
        {%- for name in windows %},
        0 as {{ name }}_change
        {%- endfor %}

    from segmented
    group by segment_type, segment_value, active_date

    {%- for name, days in windows.items() %}

    union all

    select
        segment_type,
        segment_value,
        {{ add_days('active_date', days) }} as date_day,
        0 as dau,
        0 as known_dau,
        0 as new_count,
        0 as current_count,
        0 as resurrected_count,
        0 as dormant_count
        {%- for other in windows %},
        {% if other == name -%}
        -sum(
            case when next_date is null or {{ days_between('active_date', 'next_date') }} >= {{ days }} then 1 else 0 end
        ) as {{ other }}_change
        {%- else -%}
        0 as {{ other }}_change
        {%- endif %}
        {%- endfor %}

    from segmented
    group by segment_type, segment_value, active_date
    {%- endfor %}

),

daily_changes as (

    select
        segment_type,
        segment_value,
        date_day,
        sum(dau) as dau,
        sum(known_dau) as known_dau,
        sum(new_count) as new_count,
        sum(current_count) as current_count,
        sum(resurrected_count) as resurrected_count,
        sum(dormant_count) as dormant_count
        {%- for name in windows %},
        sum({{ name }}_change) as {{ name }}_change
        {%- endfor %}

    from changes
    group by segment_type, segment_value, date_day

),

segments_seen as (

    select distinct
        segment_type,
        segment_value

    from segmented

),

spine as (

    select
        dates.date_day,
        segments_seen.segment_type,
        segments_seen.segment_value

    from {{ ref('dim_dates') }} as dates
    cross join segments_seen

),

counted as (

    select
        spine.date_day,
        spine.segment_type,
        spine.segment_value,
        {%- for column in ['dau', 'known_dau', 'new_count', 'current_count', 'resurrected_count', 'dormant_count'] %}
        coalesce(daily_changes.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        {%- for name in windows %}
        coalesce(sum(daily_changes.{{ name }}_change) over (
            partition by spine.segment_type, spine.segment_value
            order by spine.date_day
            rows between unbounded preceding and current row
        ), 0) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}

    from spine
    left join daily_changes
        on
            spine.date_day = daily_changes.date_day
            and spine.segment_type = daily_changes.segment_type
            and spine.segment_value = daily_changes.segment_value

)
{% endmacro %}
