{{ feature_adoption('person', 'feature_adoption_id') }}
