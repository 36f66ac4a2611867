{{ finish_identity_links([ref('stg_billing__customers')]) }}
