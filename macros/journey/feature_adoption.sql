{#
  CTEs of feature adoption by month, for people or for accounts (`unit`: person, account): eligible (who could have used a feature: known and active in the
  month), uses (a unit's use of a feature in a month). Both with the segments of the unit.
#}
{% macro feature_adoption_ctes(unit) %}
eligible as (

    select distinct
        {{ 'persons.account_id' if unit == 'account' else 'days.person_id' }} as unit_id,
        {{ period_start('month', 'days.active_date') }} as month_start_date

    from {{ ref('fct_person_days') }} as days
    inner join {{ ref('dim_persons') }} as persons on days.person_id = persons.person_id
    where {{ 'persons.account_id is not null' if unit == 'account' else 'persons.is_known' }}

),

uses as (

    select
        {{ 'persons.account_id' if unit == 'account' else 'usage.person_id' }} as unit_id,
        usage.feature,
        {{ period_start('month', 'usage.used_date') }} as month_start_date,
        sum(usage.use_count) as use_count

    from {{ ref('fct_feature_usage') }} as usage
    inner join {{ ref('dim_persons') }} as persons on usage.person_id = persons.person_id
    where {{ 'persons.account_id is not null' if unit == 'account' else 'persons.is_known' }}
    group by {{ 'persons.account_id' if unit == 'account' else 'usage.person_id' }}, usage.feature, {{ period_start('month', 'usage.used_date') }}

),

unit_segments as (

    select
        {{ unit }}_id as unit_id,
        segment_type,
        segment_value

    from {{ ref('bridge_' ~ unit ~ '_segments') }}

)
{% endmacro %}

{# Body of kpi_feature_adoption and kpi_account_feature_adoption; `key` is the name of the key column. #}
{% macro feature_adoption(unit, key) %}
with

as_of as (

    select * from {{ ref('dim_as_of') }}

),
{{ feature_adoption_ctes(unit) }},

features as (

    select distinct feature from {{ ref('features') }}

),

uses_in_order as (

    select
        *,
        row_number() over (
            partition by unit_id, feature
            order by month_start_date
        ) as use_month_number,
        lead(month_start_date) over (
            partition by unit_id, feature
            order by month_start_date
        ) as next_use_month_date,
        row_number() over (
            partition by unit_id, month_start_date
            order by use_count desc, feature asc
        ) as favourite_rank

    from uses

),

eligible_counts as (

    select
        eligible.month_start_date,
        unit_segments.segment_type,
        unit_segments.segment_value,
        count(*) as eligible_count

    from eligible
    inner join unit_segments on eligible.unit_id = unit_segments.unit_id
    group by eligible.month_start_date, unit_segments.segment_type, unit_segments.segment_value

),

use_counts as (

    select
        uses_in_order.feature,
        uses_in_order.month_start_date,
        unit_segments.segment_type,
        unit_segments.segment_value,
        count(*) as user_count,
        sum(case when uses_in_order.use_month_number = 1 then 1 else 0 end) as first_user_count,
        sum(case when uses_in_order.next_use_month_date = {{ next_month('uses_in_order.month_start_date') }} then 1 else 0 end) as sustained_count,
        sum(case when uses_in_order.favourite_rank = 1 then 1 else 0 end) as favourite_count

    from uses_in_order
    inner join eligible on uses_in_order.unit_id = eligible.unit_id and uses_in_order.month_start_date = eligible.month_start_date
    inner join unit_segments on uses_in_order.unit_id = unit_segments.unit_id
    group by uses_in_order.feature, uses_in_order.month_start_date, unit_segments.segment_type, unit_segments.segment_value

),

measured as (

    select
        features.feature,
        eligible_counts.month_start_date,
        eligible_counts.segment_type,
        eligible_counts.segment_value,
        eligible_counts.eligible_count,
        coalesce(use_counts.user_count, 0) as user_count,
        coalesce(use_counts.first_user_count, 0) as first_user_count,
        coalesce(use_counts.sustained_count, 0) as sustained_count,
        coalesce(use_counts.favourite_count, 0) as favourite_count

    from eligible_counts
    cross join features
    left join use_counts
        on
            features.feature = use_counts.feature
            and eligible_counts.month_start_date = use_counts.month_start_date
            and eligible_counts.segment_type = use_counts.segment_type
            and eligible_counts.segment_value = use_counts.segment_value

)

select
    {{ key_of(['measured.feature', 'measured.month_start_date', 'measured.segment_type', 'measured.segment_value']) }} as {{ key }},
    measured.feature,
    measured.month_start_date,
    measured.segment_type,
    measured.segment_value,
    {{ rate_columns('adoption', 'measured.user_count', 'measured.eligible_count') }},
    cast(measured.first_user_count as bigint) as first_user_count,
    {{ rate_columns('sustained', 'measured.sustained_count', 'measured.user_count') }},
    {{ add_months('measured.month_start_date', 2) }} <= as_of.as_of_date as sustained_is_mature,
    {{ rate_columns('favourite', 'measured.favourite_count', 'measured.user_count') }},
    {{ next_month('measured.month_start_date') }} <= as_of.as_of_date as is_mature

from measured
cross join as_of
{% endmacro %}
