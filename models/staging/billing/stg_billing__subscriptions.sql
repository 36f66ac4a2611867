{{ finish_subscriptions([ref('stg_billing__subscription_versions')]) }}
