{{ finish_records('commercial_offers', generic_drafts('commercial_offers')) }}
