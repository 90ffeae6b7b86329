package portcullis.authz

# The proxy has compared the body with its JSON Schema before the policy is asked.
body_ok := true
