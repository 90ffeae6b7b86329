package portcullis.authz

decision := {"allow": true, "rule": "everybody"}
