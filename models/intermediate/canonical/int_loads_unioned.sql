{{ union_sources('loads') }}
