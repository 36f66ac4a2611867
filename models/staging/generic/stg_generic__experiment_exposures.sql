{{ finish_records('experiment_exposures', generic_drafts('experiment_exposures')) }}
