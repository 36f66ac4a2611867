{{ finish_identity_links(generic_drafts('identity_links')) }}
