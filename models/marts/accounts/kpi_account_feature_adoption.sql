{{ feature_adoption('account', 'account_feature_adoption_id') }}
