{{ finish_records('messages', generic_drafts('messages')) }}
