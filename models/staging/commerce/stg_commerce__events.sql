{{ finish_events([ref('stg_commerce__orders'), ref('stg_commerce__refunds')], negative_amounts_are_rejected=true) }}
