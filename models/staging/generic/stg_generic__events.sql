{{ finish_events(generic_drafts('events')) }}
