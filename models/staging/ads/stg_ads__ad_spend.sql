{{ finish_ad_spend([ref('stg_ads__spend')]) }}
