"""Tokens of the local issuer: `make token USER=… ROLE=…`, and one a role in endpoints.json.

A token names a person by `sub`, which governance/people.yaml lists. It may name roles in `penstock_roles`: they count, because the local
people.yaml says `roles_from_token: true`.
"""

import json
import pathlib
import time

import environment
import say
from issuer import encoded, key_id
from say import Failure

PEOPLE = pathlib.Path(__file__).with_name("governance") / "people.yaml"
PRIVATE, PUBLIC = environment.STATE / "issuer-private.pem", environment.STATE / "issuer-public.pem"
AUDIENCE = "penstock-local"
LASTS = 12 * 3600

# Whose token stands for which role in endpoints.json: persons who have exactly that role.
HOLDERS = {"reader": "rae", "member": "cy", "approver": "bob", "admin": "ada"}


def subject(person):
    """What people.yaml lists as a person's jwt_subject."""
    return f"local|{person}"


def claims(issuer, person, role="", lasts=LASTS):
    """The claims of a good token."""
    now = int(time.time())
    roles = {"penstock_roles": [role]} if role else {}
    return {"iss": issuer, "aud": AUDIENCE, "sub": subject(person), "iat": now, "nbf": now, "exp": now + lasts, **roles}


def signed(claims, key=None, **header):
    """A token over these claims (RFC 7519), signed RS256 with the issuer's key, or with another."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    head = {"alg": "RS256", "typ": "JWT", "kid": key_id(PUBLIC.read_bytes()), **header}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    key = key or load_pem_private_key(PRIVATE.read_bytes(), password=None)
    return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def of_every_role(issuer):
    """One token a role."""
    return {role: signed(claims(issuer, person)) for role, person in HOLDERS.items()}


def run(person, role):
    """`make token`."""
    import stack

    running = stack.Stack.running()
    people = known()
    if person not in people:
        raise Failure(f"say whose token: make token USER=<person> ROLE=<role>; the persons are {', '.join(people)}")
    if role and role not in HOLDERS:
        raise Failure(f"there is no role {role!r}: the roles are {', '.join(HOLDERS)}; without ROLE= the person has those of people.yaml")
    say.line(signed(claims(running.endpoints["issuer_url"], person, role)))
    return 0


def known():
    """The persons of the local people.yaml."""
    import yaml

    return list(yaml.safe_load(PEOPLE.read_text())["people"])
