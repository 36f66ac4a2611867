{{ finish_records('subscriptions', [ref('stg_billing__subscription_versions')]) }}
