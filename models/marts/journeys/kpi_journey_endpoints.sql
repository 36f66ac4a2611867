{%- set types = {'anonymous_id': none, 'device_id': none, 'email_hash': 'email', 'phone_hash': 'sms'} %}
with

persons as (

    select distinct
        person_id,
        {{ period_start('month', 'active_date') }} as month_start_date

    from {{ ref('fct_person_days') }}

),

endpoints as (

    select
        person_id,
        identifier_class as endpoint_type,
        {{ period_start('month', local_date('first_seen_at')) }} as first_month_date

    from {{ ref('bridge_person_identifiers') }}
    where identifier_class in ('anonymous_id', 'device_id', 'email_hash', 'phone_hash')

),

-- a message that its reader wants no more of, or that cannot reach him
refusals as (

    select
        person_id,
        channel,
        min({{ period_start('month', local_date('refused_at')) }}) as refused_month_date

    from (
        {%- for moment, condition in {'unsubscribed_at': none, 'complained_at': none, 'bounced_at': "bounce_type = 'hard'"}.items() %}

        select person_id, channel, {{ moment }} as refused_at
        from {{ ref('fct_messages') }}
        where {{ moment }} is not null{{ ' and ' ~ condition if condition }}

        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as messages
    group by person_id, channel

),

held as (

    select
        persons.person_id,
        persons.month_start_date,
        {%- for type in types %}
        sum(case when endpoints.endpoint_type = '{{ type }}' then 1 else 0 end) as {{ type }}_count,
        {%- endfor %}
        count(endpoints.endpoint_type) as all_count

    from persons
    left join endpoints on persons.person_id = endpoints.person_id and persons.month_start_date >= endpoints.first_month_date
    group by persons.person_id, persons.month_start_date

),

reached as (

    select
        held.*,
        {%- for type, channel in types.items() if channel %}
        case when held.{{ type }}_count > 0 then 1 else 0 end as has_{{ type }},
        case
            when held.{{ type }}_count > 0 and {{ channel }}_refusals.person_id is null then 1
            else 0
        end as reaches_{{ type }}{{ ',' if not loop.last }}
        {%- endfor %}

    from held
    {%- for type, channel in types.items() if channel %}
    left join refusals as {{ channel }}_refusals
        on
            held.person_id = {{ channel }}_refusals.person_id
            and {{ channel }}_refusals.channel = '{{ channel }}'
            and held.month_start_date >= {{ channel }}_refusals.refused_month_date
    {%- endfor %}

),

person_months as (

    {%- for type, channel in types.items() %}

    select
        person_id,
        month_start_date,
        '{{ type }}' as endpoint_type,
        {{ type }}_count as endpoint_count,
        {% if channel -%}
        has_{{ type }} as has_address,
        reaches_{{ type }} as is_reachable
        {%- else -%}
        cast(null as integer) as has_address,
        cast(null as integer) as is_reachable
        {%- endif %}

    from reached

    union all
    {%- endfor %}

    select
        person_id,
        month_start_date,
        'all' as endpoint_type,
        all_count as endpoint_count,
        greatest(has_email_hash, has_phone_hash) as has_address,
        greatest(reaches_email_hash, reaches_phone_hash) as is_reachable

    from reached

),

counted as (

    select
        person_months.month_start_date,
        person_months.endpoint_type,
        segments.segment_type,
        segments.segment_value,
        count(*) as person_count,
        sum(person_months.endpoint_count) as endpoint_count,
        sum(case when person_months.endpoint_count > 0 then 1 else 0 end) as having_count,
        percentile_cont(0.5) within group (order by person_months.endpoint_count) as endpoints_p50,
        percentile_cont(0.9) within group (order by person_months.endpoint_count) as endpoints_p90,
        sum(person_months.is_reachable) as reachable_count,
        sum(person_months.has_address - person_months.is_reachable) as opted_out_count

    from person_months
    {{ join_segments('person_months.person_id') }}
    group by person_months.month_start_date, person_months.endpoint_type, segments.segment_type, segments.segment_value

),

kpi_journey_endpoints as (

    select
        {{ key_of(['month_start_date', 'endpoint_type', 'segment_type', 'segment_value']) }} as endpoint_month_id,
        month_start_date,
        endpoint_type,
        segment_type,
        segment_value,
        person_count,
        cast(endpoint_count as double) / person_count as endpoints_mean,
        cast(endpoints_p50 as double) as endpoints_p50,
        cast(endpoints_p90 as double) as endpoints_p90,
        {{ rate_columns('having', 'having_count', 'person_count') }},
        {{ rate_columns('reachable', 'reachable_count', 'person_count') }},
        {{ rate_columns('opted_out', 'opted_out_count', 'person_count') }}

    from counted

)

select * from kpi_journey_endpoints
