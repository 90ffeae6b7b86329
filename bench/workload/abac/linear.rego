package authz

# Looks at every rule there is.
matched := [r |
	some r in data.rules
	r.method == http.method
	path_ok(r.pattern, input.parsed_path)
]
