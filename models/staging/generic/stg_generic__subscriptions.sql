{{ finish_subscriptions(generic_drafts('subscriptions')) }}
