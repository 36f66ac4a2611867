{{ finish_events([ref('stg_snowplow__atomic_events')]) }}
