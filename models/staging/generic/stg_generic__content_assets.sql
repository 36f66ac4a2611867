{{ finish_records('content_assets', generic_drafts('content_assets')) }}
