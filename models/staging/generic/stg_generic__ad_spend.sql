{{ finish_ad_spend(generic_drafts('ad_spend')) }}
