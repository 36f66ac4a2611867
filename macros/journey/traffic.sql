{# The referring host where it is another site than the page's own (www. aside), else ''. #}
{% macro external_referrer(referrer_host, page_host) -%}
case
            when {{ referrer_host }} is null then ''
            when {{ page_host }} is not null
                and {{ regex_replace(referrer_host, '^www[.]', '') }} = {{ regex_replace(page_host, '^www[.]', '') }} then ''
            else {{ referrer_host }}
        end
{%- endmacro %}

{# Join of a table with origin columns to int_traffic_sources, as `traffic`. #}
{% macro join_traffic_sources(alias, referrer_host=none, page_host=none, click_id_type=none) -%}
left join {{ ref('int_traffic_sources') }} as traffic
        on
            coalesce({{ alias }}.utm_source, '') = traffic.utm_source
            and coalesce({{ alias }}.utm_medium, '') = traffic.utm_medium
            and coalesce({{ alias }}.utm_campaign, '') = traffic.utm_campaign
            and {{ "coalesce(" ~ alias ~ "." ~ click_id_type ~ ", '')" if click_id_type else "''" }} = traffic.click_id_type
            and {{ external_referrer(alias ~ '.' ~ referrer_host, alias ~ '.' ~ page_host) if referrer_host else "''" }} = traffic.referrer_host
{%- endmacro %}
