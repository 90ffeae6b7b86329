package portcullis.authz_test

import data.portcullis.authz

identities := {
	"spiffe://demo.test/ns/shop/sa/web": {"namespace": "shop", "clearance": 2, "roles": ["reader", "writer"]},
	"spiffe://demo.test/ns/shop/sa/reports": {"namespace": "shop", "clearance": 1, "roles": ["reader"]},
	"spiffe://demo.test/ns/billing/sa/books": {"namespace": "billing", "clearance": 3, "roles": ["reader"]},
}

routes := {
	"orders.read": {"namespace": "shop", "classification": 1},
	"orders.write": {"namespace": "shop", "classification": 2},
}

allow_read := {
	"id": "orders-read",
	"effect": "allow",
	"reason": "readers may read",
	"when": {"operations": ["GET"], "roles": ["reader"]},
}

allow_write := {
	"id": "orders-write",
	"effect": "allow",
	"reason": "writers may write",
	"when": {"operations": ["PUT"], "roles": ["writer"]},
	"obligations": [{"type": "audit-note", "note": "a write"}],
}

deny_sundays := {
	"id": "closed-on-sunday",
	"effect": "deny",
	"reason": "closed on Sunday",
	"when": {"weekdays": ["sunday"]},
}

facts := {"identities": identities, "routes": routes, "rules": {"orders.read": [allow_read], "orders.write": [allow_write]}}

web_reads := request("spiffe://demo.test/ns/shop/sa/web", "GET", "orders.read")

request(caller, method, route) := {
	"attributes": {
		"request": {"http": {"method": method}},
		"source": {"address": {"socketAddress": {"address": "10.1.2.3"}}},
	},
	"portcullis": {
		"peer": {"spiffe_id": caller},
		"route": {"name": route},
		"time": {"weekday": "monday", "hour_utc": 9},
	},
}

decide(asked, known) := decision if {
	decision := authz.decision with input as asked with data.portcullis.identities as known.identities
		with data.portcullis.routes as known.routes
		with data.portcullis.rules as known.rules
}

with_rules(rules) := object.union(facts, {"rules": {"orders.read": rules}})

test_a_reader_may_read if {
	decision := decide(web_reads, facts)
	decision.allow == true
	decision.rule == "orders-read"
	decision.reasons == ["orders-read: readers may read"]
}

test_obligations_come_with_permission if {
	decision := decide(request("spiffe://demo.test/ns/shop/sa/web", "PUT", "orders.write"), facts)
	decision.allow == true
	decision.obligations == [{"type": "audit-note", "note": "a write"}]
}

test_a_reader_may_not_write if {
	decision := decide(request("spiffe://demo.test/ns/shop/sa/reports", "PUT", "orders.write"), facts)
	decision.allow == false
	decision.rule == "default-deny"
}

test_an_operation_that_no_rule_names_is_denied if {
	decide(request("spiffe://demo.test/ns/shop/sa/web", "DELETE", "orders.read"), facts).allow == false
}

test_operations_are_case_sensitive if {
	decide(request("spiffe://demo.test/ns/shop/sa/web", "get", "orders.read"), facts).allow == false
}

test_an_unknown_identity_is_denied_with_its_reason if {
	decision := decide(request("spiffe://demo.test/ns/shop/sa/other", "GET", "orders.read"), facts)
	decision.allow == false
	"the caller is not among the known identities" in decision.reasons
}

test_the_same_path_in_another_trust_domain_is_unknown if {
	decide(request("spiffe://evil.test/ns/shop/sa/web", "GET", "orders.read"), facts).allow == false
}

test_an_unknown_route_is_denied if {
	decision := decide(request("spiffe://demo.test/ns/shop/sa/web", "GET", "orders.unknown"), facts)
	decision.allow == false
	"the route has no attributes" in decision.reasons
}

test_empty_data_denies_everything if {
	decision := authz.decision with input as web_reads with data.portcullis.identities as {}
		with data.portcullis.routes as {}
		with data.portcullis.rules as {}
	decision.allow == false
	decision.rule == "default-deny"
}

test_absent_data_denies_everything if {
	decision := authz.decision with input as web_reads
	decision.allow == false
}

test_empty_input_is_denied if {
	decide({}, facts).allow == false
}

# Deny overrides wherever the deny rule stands: at each place of the list, and under "*".
test_deny_overrides_at_every_position if {
	deny := {"id": "never", "effect": "deny", "reason": "never", "when": {}}
	other := object.union(allow_read, {"id": "orders-read-too"})
	orders := [
		[deny, allow_read, other],
		[allow_read, deny, other],
		[allow_read, other, deny],
	]
	every rules in orders {
		decision := decide(web_reads, with_rules(rules))
		decision.allow == false
		decision.rule == "never"
	}
}

test_deny_for_all_routes_overrides if {
	deny := {"id": "never", "effect": "deny", "reason": "never", "when": {}}
	known := object.union(facts, {"rules": {"*": [deny]}})
	decide(web_reads, known).allow == false
}

test_all_denials_are_given_as_reasons if {
	first := {"id": "a", "effect": "deny", "reason": "one", "when": {}}
	second := {"id": "b", "effect": "deny", "reason": "two", "when": {}}
	decision := decide(web_reads, with_rules([second, allow_read, first]))
	decision.rule == "a"
	decision.reasons == ["a: one", "b: two"]
}

test_a_deny_rule_whose_condition_fails_is_silent if {
	decide(web_reads, with_rules([allow_read, deny_sundays])).allow == true
}

test_a_deny_rule_whose_attribute_is_missing_applies if {
	asked := json.remove(web_reads, ["/portcullis/time/weekday"])
	decision := decide(asked, with_rules([allow_read, deny_sundays]))
	decision.allow == false
	decision.rule == "closed-on-sunday"
}

test_a_deny_rule_whose_attribute_has_the_wrong_type_applies if {
	asked := json.patch(web_reads, [{"op": "replace", "path": "/portcullis/time/weekday", "value": 1}])
	decide(asked, with_rules([allow_read, deny_sundays])).allow == false
}

test_an_allow_rule_whose_attribute_is_missing_does_not_apply if {
	limited := json.patch(allow_read, [{"op": "add", "path": "/when/weekdays", "value": ["monday"]}])
	decide(web_reads, with_rules([limited])).allow == true
	asked := json.remove(web_reads, ["/portcullis/time/weekday"])
	decide(asked, with_rules([limited])).allow == false
}

test_each_attribute_of_the_subject_is_needed if {
	every name in ["namespace", "clearance", "roles"] {
		path := concat("/", ["identities", "spiffe:~1~1demo.test~1ns~1shop~1sa~1web", name])
		decide(web_reads, json.remove(facts, [path])).allow == false
	}
}

test_each_attribute_of_the_object_is_needed if {
	every name in ["namespace", "classification"] {
		decide(web_reads, json.remove(facts, [concat("/", ["routes", "orders.read", name])])).allow == false
	}
}

# In Rego every string is greater than every number.
test_a_clearance_that_is_no_number_clears_nothing if {
	path := "/identities/spiffe:~1~1demo.test~1ns~1shop~1sa~1web/clearance"
	known := json.patch(facts, [{"op": "replace", "path": path, "value": "none"}])
	decide(web_reads, known).allow == false
}

test_clearance_must_reach_classification if {
	known := json.patch(facts, [{"op": "replace", "path": "/routes/orders.read/classification", "value": 3}])
	decide(web_reads, known).allow == false
}

test_another_namespace_needs_a_rule_that_says_so if {
	asked := request("spiffe://demo.test/ns/billing/sa/books", "GET", "orders.read")
	decide(asked, facts).allow == false
	decide(asked, with_rules([object.union(allow_read, {"cross_namespace": true})])).allow == true
	decide(asked, with_rules([object.union(allow_read, {"cross_namespace": "yes"})])).allow == false
}

test_hours_begin_inclusive_and_end_exclusive if {
	every hour, expected in {6: false, 7: true, 17: true, 18: false} {
		limited := json.patch(allow_read, [{"op": "add", "path": "/when/hours_utc", "value": {"from": 7, "to": 18}}])
		asked := json.patch(web_reads, [{"op": "replace", "path": "/portcullis/time/hour_utc", "value": hour}])
		decide(asked, with_rules([limited])).allow == expected
	}
}

test_hours_may_span_midnight if {
	every hour, expected in {21: false, 22: true, 0: true, 5: true, 6: false} {
		limited := json.patch(allow_read, [{"op": "add", "path": "/when/hours_utc", "value": {"from": 22, "to": 6}}])
		asked := json.patch(web_reads, [{"op": "replace", "path": "/portcullis/time/hour_utc", "value": hour}])
		decide(asked, with_rules([limited])).allow == expected
	}
}

test_source_addresses_are_matched_by_prefix if {
	inside := json.patch(allow_read, [{"op": "add", "path": "/when/source_cidrs", "value": ["192.168.0.0/16", "10.0.0.0/8"]}])
	outside := json.patch(allow_read, [{"op": "add", "path": "/when/source_cidrs", "value": ["192.168.0.0/16"]}])
	decide(web_reads, with_rules([inside])).allow == true
	decide(web_reads, with_rules([outside])).allow == false
}

test_a_deny_rule_with_a_broken_prefix_applies if {
	deny := {"id": "block", "effect": "deny", "reason": "blocked", "when": {"source_cidrs": ["10.0.0.0/99"]}}
	decide(web_reads, with_rules([allow_read, deny])).allow == false
}

test_a_rule_that_is_not_well_formed_denies if {
	broken := [
		object.union(allow_read, {"effect": "permit"}),
		object.union(allow_read, {"whem": {}}),
		json.remove(allow_read, ["/id"]),
		json.remove(allow_read, ["/reason"]),
		json.remove(allow_read, ["/when"]),
		json.remove(allow_read, ["/when/operations"]),
		json.remove(allow_read, ["/when/roles"]),
		json.patch(allow_read, [{"op": "replace", "path": "/when/roles", "value": "reader"}]),
		json.patch(allow_read, [{"op": "add", "path": "/when/moon", "value": ["full"]}]),
		json.patch(allow_read, [{"op": "add", "path": "/when/hours_utc", "value": {"from": 7}}]),
		json.patch(allow_read, [{"op": "add", "path": "/when/hours_utc", "value": {"from": 7, "to": 25}}]),
		"allow",
	]
	every rule in broken {
		decision := decide(web_reads, with_rules([allow_read, rule]))
		decision.allow == false
		decision.rule == "malformed-rule"
	}
}
