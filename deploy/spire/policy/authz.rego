package portcullis.authz

# METADATA
# entrypoint: true
default decision := {"allow": false, "rule": "default-deny"}

decision := {"allow": true, "rule": "orders-list"} if {
	input.attributes.source.principal == "spiffe://shop.test/web"
	input.portcullis.route.name == "orders.list"
}
