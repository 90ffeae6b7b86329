package authz

# Looks rules up by method and first segment of the path.
matched := [r |
	some r in data.rule_index[http.method][route]
	path_ok(r.pattern, input.parsed_path)
]
