{{ finish_events([ref('stg_segment__tracks'), ref('stg_segment__pages'), ref('stg_segment__screens')]) }}
