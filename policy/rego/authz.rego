# METADATA
# title: Attribute-based access control for requests between services
# description: |
#   Decides in the terms of NIST SP 800-162 and SP 800-204B from attributes of the subject (who calls), the object (the
#   route that is called), the operation (the HTTP method) and the environment (time, source address). Everything that
#   differs between deployments is data; example-data.json shows its form.
#
#   - Default deny: without a rule that allows, the answer is no.
#   - Deny overrides: one matching deny rule beats any number of allow rules.
#   - An allow rule applies when each of its conditions is known to hold. A deny rule applies unless one of its
#     conditions is known to fail. So an attribute that is missing never opens anything.
#   - A rule that is not well-formed denies: a misspelt condition must not silently widen or drop a rule.
package portcullis.authz

subject_id := input.portcullis.peer.spiffe_id

subject := data.portcullis.identities[subject_id]

route := input.portcullis.route.name

# SP 800-162 says object; that name is taken by Rego's own functions.
resource := data.portcullis.routes[route]

operation := input.attributes.request.http.method

source_address := input.attributes.source.address.socketAddress.address

environment := input.portcullis.time

# METADATA
# title: The decision
# entrypoint: true
decision := {"allow": false, "rule": min(ids), "reasons": sort(denials)} if {
	ids := {rule.id | some rule in denying}
	count(ids) > 0
} else := {"allow": false, "rule": "malformed-rule", "reasons": sort(malformed)} if {
	count(malformed) > 0
} else := {"allow": true, "rule": min(ids), "reasons": sort(permissions), "obligations": obligations} if {
	ids := {rule.id | some rule in permitting}
	count(ids) > 0
} else := {"allow": false, "rule": "default-deny", "reasons": sort(gaps)}

# Rules are looked up by route; those under "*" concern every route. They are kept in lists: a set hashes each rule whole.
candidates := array.concat(
	[rule | some rule in data.portcullis.rules[route]],
	[rule | some rule in data.portcullis.rules["*"]],
)

denying := [rule |
	some rule in candidates
	well_formed(rule)
	rule.effect == "deny"
	not any_fails(rule)
]

any_fails(rule) if {
	some name, wanted in rule.when
	fails(name, wanted)
}

permitting := [rule |
	some rule in candidates
	well_formed(rule)
	rule.effect == "allow"
	cleared
	namespace_reached(rule)
	every name, wanted in rule.when {
		holds(name, wanted)
	}
]

# The dominance rule of multilevel access: nobody reads above their clearance, whatever the rules say. Types are
# checked because Rego orders values of different types too: "none" >= 3 is true.
cleared if {
	is_number(subject.clearance)
	is_number(resource.classification)
	subject.clearance >= resource.classification
}

# SP 800-204B APE-SR-3: a service reaches its own namespace, and another one only by a rule that says so.
namespace_reached(_) if {
	is_string(resource.namespace)
	subject.namespace == resource.namespace
}

namespace_reached(rule) if {
	is_string(resource.namespace)
	is_string(subject.namespace)
	rule.cross_namespace == true
}

# --- reasons -----------------------------------------------------------------------------------------------------

denials contains reason_of(rule) if some rule in denying

permissions contains reason_of(rule) if some rule in permitting

malformed contains concat(" ", ["a rule for", route, "is not well-formed:", id_of(rule)]) if {
	some rule in candidates
	not well_formed(rule)
}

gaps contains "the caller is not among the known identities" if not subject

gaps contains "the route has no attributes" if not resource

gaps contains "the caller's clearance is not known to reach the route's classification" if {
	subject
	resource
	not cleared
}

gaps contains "no rule allows this operation to this caller now" if {
	subject
	resource
	cleared
}

reason_of(rule) := concat(": ", [rule.id, rule.reason])

id_of(rule) := rule.id if is_string(rule.id)

else := "without an id"

# In the order of the rules, each of which obliges once, however often it is listed.
obligations := [obligation |
	some rule in {granted | some granted in permitting}
	some obligation in rule.obligations
]

# --- conditions: what holds, what fails; neither when an attribute is missing or of the wrong type ---------------

holds("operations", wanted) if operation in wanted

fails("operations", wanted) if {
	is_string(operation)
	not operation in wanted
}

holds("identities", wanted) if subject_id in wanted

fails("identities", wanted) if {
	is_string(subject_id)
	not subject_id in wanted
}

holds("roles", wanted) if {
	some role in subject.roles
	role in wanted
}

fails("roles", wanted) if {
	is_array(subject.roles)
	every role in subject.roles {
		not role in wanted
	}
}

holds("weekdays", wanted) if environment.weekday in wanted

fails("weekdays", wanted) if {
	is_string(environment.weekday)
	not environment.weekday in wanted
}

holds("hours_utc", wanted) if in_hours(wanted) == true

fails("hours_utc", wanted) if in_hours(wanted) == false

# Hours run from `from` up to, not including, `to`; from 22 to 6 spans midnight.
in_hours(wanted) := environment.hour_utc in hours(wanted) if is_number(environment.hour_utc)

hours(wanted) := {hour | some hour in numbers.range(wanted.from, wanted.to - 1)} if wanted.from < wanted.to

hours(wanted) := {hour |
	some hour in numbers.range(0, 23)
	not hour in numbers.range(wanted.to, wanted.from - 1)
} if {
	wanted.from > wanted.to
}

holds("source_cidrs", wanted) if {
	some cidr in wanted
	net.cidr_contains(cidr, source_address)
}

fails("source_cidrs", wanted) if {
	every cidr in wanted {
		net.cidr_contains(cidr, source_address) == false
	}
}

# --- the form of a rule ------------------------------------------------------------------------------------------

well_formed(rule) if {
	is_string(rule.id)
	is_string(rule.reason)
	object.keys(rule) - known_members == set()
	rule.effect in {"allow", "deny"}
	every name, wanted in rule.when {
		valid(name, wanted)
	}
	addressed(rule)
}

known_members := {"id", "effect", "reason", "when", "cross_namespace", "obligations"}

# An allow rule says who may do what. A deny rule without conditions denies all.
addressed(rule) if rule.effect == "deny"

addressed(rule) if {
	rule.when.operations
	rule.when.roles
}

addressed(rule) if {
	rule.when.operations
	rule.when.identities
}

valid(name, wanted) if {
	name in {"operations", "identities", "roles", "weekdays", "source_cidrs"}
	is_array(wanted)
	every text in wanted {
		is_string(text)
	}
}

valid("hours_utc", wanted) if {
	is_hour(wanted.from)
	is_hour(wanted.to)
	wanted.from != wanted.to
}

is_hour(value) if {
	is_number(value)
	value in numbers.range(0, 24)
}
