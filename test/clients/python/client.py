"""A client that knows nothing of Portcullis: Python's own ssl and http.client.

Usage: client.py URL CERT KEY BUNDLE EXPECTED_SPIFFE_ID; CERT may be "none". Prints "STATUS SPIFFE_ID".
"""

import http.client
import ssl
import sys
from urllib.parse import urlsplit

url, cert, key, bundle, expected = sys.argv[1:6]
context = ssl.create_default_context(cafile=bundle)
# A SPIFFE ID is no host name; the chain is still verified, and the identity below.
context.check_hostname = False
if cert != "none":
    context.load_cert_chain(cert, key)

parts = urlsplit(url)
connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=60)
connection.connect()
uris = [value for kind, value in connection.sock.getpeercert()["subjectAltName"] if kind == "URI"]
if uris != [expected]:
    sys.exit(f"the server is {uris}, not {expected}")
connection.request("GET", parts.path)
answer = connection.getresponse()
answer.read()
print(answer.status, uris[0])
