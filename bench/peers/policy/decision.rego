package portcullis.authz

# The attribute-based decision of ../../workload/abac for a whole proxy: the same rules, with the attributes of the caller looked up by
# its SPIFFE ID instead of read from a token. Input and result have the shape of the OPA-Envoy plugin, so that
# Portcullis and OPA decide by the same text.

http := input.attributes.request.http

caller := input.attributes.source.principal

subject := data.subjects[caller]

hour := to_number(substring(input.attributes.request.time, 11, 2))

clearance_rank := {"public": 0, "internal": 1, "confidential": 2, "restricted": 3}

route := input.parsed_path[0]

resource := data.resources[route]

matched := [r |
	some r in data.rule_index[http.method][route]
	path_ok(r.pattern, input.parsed_path)
]

segment_ok("*", _)

segment_ok(want, got) if want == got

path_ok(pattern, path) if {
	count(pattern) == count(path)
	every i, want in pattern {
		segment_ok(want, path[i])
	}
}

caller_ok(rule) if caller in rule.callers

scopes_ok(rule) if {
	every s in rule.scopes {
		s in subject.scopes
	}
}

hours_ok(rule) if {
	hour >= rule.hours.from
	hour < rule.hours.to
}

dept_ok if subject.dept == resource.owner_dept

dept_ok if "auditor" in subject.roles

dept_ok if clearance_rank[resource.classification] <= 1

granting contains rule if {
	some rule in matched
	rule.effect == "allow"
	caller_ok(rule)
	scopes_ok(rule)
	subject.clearance >= rule.min_clearance
	hours_ok(rule)
	subject.clearance >= clearance_rank[resource.classification]
	dept_ok
}

denying contains rule if {
	some rule in matched
	rule.effect == "deny"
	some role in rule.roles
	role in subject.roles
}

default allow := false

allow if {
	count(granting) > 0
	count(denying) == 0
	body_ok
}

# What a rule asks for: a header that tells the workload which rule it was.
headers := {o.name: o.value |
	allow
	some r in granting
	some o in r.obligations
}

rule_ids := {r.id | some r in granting} | {r.id | some r in denying}

decision := {
	"allowed": allow,
	"headers": headers,
	"dynamic_metadata": {"rules": rule_ids},
}
