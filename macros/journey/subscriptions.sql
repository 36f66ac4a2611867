{# When a subscription is over: what its source still calls active has been cancelled to the end of its term. NULL = it runs. #}
{% macro subscription_ended_at() -%}
coalesce(
            ended_at, case when coalesce(lower(status), '') not in ('active', 'trialing', 'past_due') then cancelled_at end
        )
{%- endmacro %}
