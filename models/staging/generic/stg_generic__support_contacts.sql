{{ finish_records('support_contacts', generic_drafts('support_contacts')) }}
