{{ count_loads(generic_handles()) }}
