{{ finish_records('survey_responses', generic_drafts('survey_responses')) }}
