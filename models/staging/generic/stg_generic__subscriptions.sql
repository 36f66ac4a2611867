{{ finish_records('subscriptions', generic_drafts('subscriptions')) }}
