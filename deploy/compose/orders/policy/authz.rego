package portcullis.authz

# METADATA
# entrypoint: true
default decision := {"allow": false, "rule": "default-deny"}

decision := {"allow": true, "rule": "web"} if {
	input.attributes.source.principal == "spiffe://shop.test/web"
	input.portcullis.route.name in {"orders.list", "orders.create"}
}
