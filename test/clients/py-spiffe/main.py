"""What a workload does with py-spiffe: it asks the Workload API who it is and whom to trust, and stays to be told of a successor.

Usage: main.py SOCKET COUNT. Prints who a JWT-SVID says it is, to the library and to the Workload API; then a line for each of COUNT
updates: every SPIFFE ID, and the serial of the first.
"""

import sys
from queue import Queue

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from spiffe import JwtSvid, TrustDomain, WorkloadApiClient

socket, count = sys.argv[1], int(sys.argv[2])
with WorkloadApiClient(f"unix://{socket}") as client:
    token = client.fetch_jwt_svid(audience={"orders"}).token
    own = client.fetch_x509_svid().spiffe_id.trust_domain
    keys = client.fetch_jwt_bundles().get_bundle_for_trust_domain(TrustDomain(own.name))
    read = JwtSvid.parse_and_validate(token, keys, {"orders"})
    asked = client.validate_jwt_svid(token, "orders")
    print(read.spiffe_id, asked.spiffe_id, flush=True)

    updates = Queue()
    watching = client.stream_x509_contexts(updates.put, updates.put)
    for _ in range(count):
        update = updates.get()
        if isinstance(update, Exception):
            raise update
        svid = update.default_svid
        # The library looks at no path: that the issuer of the leaf came with it, and that a root of the bundle signed that.
        leaf, issuer = svid.cert_chain
        issuer.public_key().verify(leaf.signature, leaf.tbs_certificate_bytes, ECDSA(leaf.signature_hash_algorithm))
        roots = update.x509_bundle_set.get_bundle_for_trust_domain(own).x509_authorities
        assert any(root.subject == issuer.issuer for root in roots)
        ids = " ".join(str(each.spiffe_id) for each in update.x509_svids)
        print(ids, format(svid.leaf.serial_number, "x"), flush=True)
    watching.cancel()
