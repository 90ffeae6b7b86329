package authz

# Attribute-based access decision for an HTTP sidecar.
# The sidecar has already verified the bearer token; input.claims is its payload.

default allow := false

http := input.attributes.request.http

caller := input.attributes.source.principal

clearance_rank := {"public": 0, "internal": 1, "confidential": 2, "restricted": 3}

route := input.parsed_path[0]

resource := data.resources[route]

granted_scopes := {s | some s in split(input.claims.scope, " ")}

# `matched` is in linear.rego or indexed.rego: the candidates for this method and path.

segment_ok("*", _)

segment_ok(want, got) if want == got

path_ok(pattern, path) if {
	count(pattern) == count(path)
	every i, want in pattern {
		segment_ok(want, path[i])
	}
}

# ---- per-rule conditions --------------------------------------------
caller_ok(rule) if caller in rule.callers

scopes_ok(rule) if {
	every s in rule.scopes {
		s in granted_scopes
	}
}

clearance_ok(rule) if input.claims.clearance >= rule.min_clearance

hours_ok(rule) if {
	input.environment.hour >= rule.hours.from
	input.environment.hour < rule.hours.to
}

dept_ok if input.claims.dept == resource.owner_dept

dept_ok if "auditor" in input.claims.roles

dept_ok if clearance_rank[resource.classification] <= 1

# Rules are collected in lists: a set would hash each of them, whole.
granting := [rule |
	some rule in matched
	rule.effect == "allow"
	caller_ok(rule)
	scopes_ok(rule)
	clearance_ok(rule)
	hours_ok(rule)
	input.claims.clearance >= clearance_rank[resource.classification]
	dept_ok
]

denying := [rule |
	some rule in matched
	rule.effect == "deny"
	some role in rule.roles
	role in input.claims.roles
]

allow if {
	count(granting) > 0
	count(denying) == 0
}

rule_ids := {r.id | some r in granting} | {r.id | some r in denying}

# ---- reasons (only when refused) ------------------------------------
reasons contains "no rule for this method and path" if count(matched) == 0

reasons contains sprintf("rule %s refuses this role", [r.id]) if some r in denying

reasons contains concat(" ", ["rule", r.id, "does not list the caller"]) if {
	not allow
	some r in matched
	r.effect == "allow"
	not caller_ok(r)
}

reasons contains concat(" ", ["rule", r.id, "needs scope", s]) if {
	not allow
	some r in matched
	r.effect == "allow"
	some s in r.scopes
	not s in granted_scopes
}

reasons contains concat(" ", ["rule", r.id, "needs a higher clearance"]) if {
	not allow
	some r in matched
	r.effect == "allow"
	not clearance_ok(r)
}

reasons contains concat(" ", ["rule", r.id, "is closed at this hour"]) if {
	not allow
	some r in matched
	r.effect == "allow"
	not hours_ok(r)
}

reasons contains "resource belongs to another department" if {
	not allow
	resource
	not dept_ok
}

obligations contains o if {
	allow
	some r in granting
	some o in r.obligations
}

obligations contains {"type": "audit", "level": "full"} if {
	allow
	resource.classification in {"confidential", "restricted"}
}

obligations contains {"type": "mask", "fields": resource.masked} if {
	allow
	resource.classification == "restricted"
	input.claims.clearance < 3
}

decision := {
	"allow": allow,
	"rule_ids": rule_ids,
	"reasons": reasons,
	"obligations": obligations,
}
