package portcullis.authz

# METADATA
# entrypoint: true
default decision := {"allow": false, "rule": "default-deny"}

decision := {"allow": true, "rule": "billing-list"} if {
	input.attributes.source.principal == "spiffe://shop.test/orders"
	input.portcullis.route.name == "billing.list"
}
