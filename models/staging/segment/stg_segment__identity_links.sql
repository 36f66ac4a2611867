{{ finish_identity_links([ref('stg_segment__identifies'), ref('stg_segment__groups'), ref('stg_segment__aliases')]) }}
