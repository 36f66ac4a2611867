{{ finish_records('accounts', generic_drafts('accounts')) }}
