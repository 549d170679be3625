"""A small OpenID Connect issuer: discovery and keys over loopback, as API Gateway's JWT authorizer reads them.

    python3 issuer.py <port> <public key, PEM file>

It hands out nothing: `tokens.py` signs with the other half of the key, which was made when the stack was started.
"""

import base64
import hashlib
import http.server
import json
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key


def jwk(pem):
    """The public key as RFC 7517 writes it; its id follows from the key."""
    numbers = load_pem_public_key(pem).public_numbers()
    word = lambda number: encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id(pem), "n": word(numbers.n), "e": word(numbers.e)}


def key_id(pem):
    """A name for the key, the same wherever it is read."""
    return hashlib.sha256(pem).hexdigest()[:16]


def encoded(data):
    """base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def documents(url, pem):
    """What the issuer says, by path."""
    discovery = {
        "issuer": url,
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
    }
    return {"/.well-known/openid-configuration": discovery, "/.well-known/jwks.json": {"keys": [jwk(pem)]}}


def main(port, key_file):
    """Answers until it is ended."""
    said = documents(f"http://127.0.0.1:{port}", pathlib.Path(key_file).read_bytes())

    class Issuer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = said.get(self.path)
            body = json.dumps(found if found else {"error": "not_found"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Issuer).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
