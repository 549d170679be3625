"""Who may use which route of the deployed API: every route that is not public, with tokens that must not pass and with each role.

API Gateway's part (signature, issuer, audience, times) is MiniStack's authorizer here, over the local issuer's keys; what a person may
do is the functions' own part.
"""

import base64
import json
import re
import time
import urllib.error
import urllib.request

import environment
import tokens
from expect import equal
from issuer import encoded
from processes import OPENER

# The least role that each route takes. A route that is not here breaks the expectation below: it has to be decided.
LEAST = {
    "POST /v1/wip/leases": "member",
    "POST /v1/wip/leases/{item}/renew": "member",
    "DELETE /v1/wip/leases/{item}": "member",
    "GET /v1/wip/scopes": "reader",
    "GET /v1/wip/scopes/{scope}": "reader",
    "PUT /v1/wip/scopes/{scope}": "admin",
    "POST /v1/items": "member",
    "GET /v1/items": "reader",
    "GET /v1/items/{item}": "reader",
    "POST /v1/items/{item}/transitions": "member",
    "POST /v1/items/{item}/evidence": "member",
    "POST /v1/items/{item}/approvals": "member",
    "POST /v1/items/{item}/blockers": "member",
    "DELETE /v1/items/{item}/blockers/{blocker}": "member",
    "POST /v1/items/{item}/blockers/{blocker}/snooze": "member",
    "POST /v1/items/{item}/exceptions": "approver",
    "POST /v1/items/{item}/appeals": "member",
    "PUT /v1/items/{item}/link": "member",
    "POST /v1/ideas": "member",
    "GET /v1/ideas": "reader",
    "GET /v1/ideas/{idea}": "reader",
    "PUT /v1/ideas/{idea}/grades": "member",
    "POST /v1/ideas/{idea}/archive": "member",
    "POST /v1/ideas/{idea}/promotion": "member",
    "POST /v1/maintenance/{task}": "member",
    "POST /v1/holds": "member",
    "GET /v1/holds": "reader",
    "DELETE /v1/holds/{hold}": "member",
    "GET /v1/removals": "reader",
    "POST /v1/removals/{digest}/approvals": "member",
    "GET /v1/clusters/{environment}/{region_alias}/{cluster}/explain": "reader",
    "POST /v1/clusters/{environment}/{region_alias}/{cluster}/runs/{execution}/approvals": "member",
}
ROLES = list(tokens.HOLDERS)
NAMES = {
    "digest": "0" * 64, "idea": "an-idea", "item": "an-item", "task": "a-task", "blocker": "a-blocker", "scope": "portfolio", "hold": "a-hold", "environment": "production", "region_alias": "us-east-1",
    "cluster": "mc01", "execution": "00000000-0000-4000-8000-000000000000",
}


def routes(contract):
    """Every route that needs a token, as `METHOD /path`."""
    return [f"{route['method']} {route['path']}" for function in contract["functions"].values() for route in function["routes"] if not route["public"]]


def guarded(scene):
    """every route that is not public: no token, bad tokens, and each role"""
    found = routes(environment.contract())
    equal("the contract's routes that need a token are those whose least role is known here", sorted(found), sorted(LEAST))
    refused = bad(scene.stack.endpoints["issuer_url"])
    for route in found:
        answers = {what: call(scene, route, token)[0] for what, token in refused.items()}
        equal(f"{route}: 401 for {', '.join(refused)}", [what for what, code in answers.items() if code != 401], [])
        codes = {role: call(scene, route, token) for role, token in scene.stack.endpoints["tokens"].items()}
        below = ROLES[: ROLES.index(LEAST[route])]
        equal(f"{route}: from {LEAST[route]} on", [role for role in ROLES if codes[role][0] in (401, 403)], below)
        told = [codes[role][1] for role in below if LEAST[route] not in codes[role][1]]
        equal("  the refusals say which role it takes", told, [])
        stranger = call(scene, route, tokens.signed(tokens.claims(scene.stack.endpoints["issuer_url"], "nobody", "admin")))
        equal("  403 for a good token of nobody, whatever role it names", stranger[0], 403)


def bad(issuer):
    """Tokens that must not pass, by what is wrong with them; None is no token at all."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    good = tokens.claims(issuer, "ada", "admin")
    past = int(time.time()) - 60
    header, payload, signature = tokens.signed(good).split(".")
    other = json.loads(base64.urlsafe_b64decode(tokens.signed({**good, "sub": tokens.subject("rae")}).split(".")[1] + "=="))
    return {
        "no token": None,
        "no JWT": "a-word",
        "a token without an end": tokens.signed({name: value for name, value in good.items() if name != "exp"}),
        "a token without an audience": tokens.signed({name: value for name, value in good.items() if name != "aud"}),
        "an expired token": tokens.signed({**good, "exp": past}),
        "a token of tomorrow": tokens.signed({**good, "nbf": past + 86400}),
        "a token for another audience": tokens.signed({**good, "aud": "another-service"}),
        "a token of another issuer": tokens.signed({**good, "iss": "https://issuer.example.org"}),
        "another key's signature": tokens.signed(good, key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "no signature": f"{encoded(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{payload}.",
        "claims that were changed": f"{header}.{encoded(json.dumps(other).encode())}.{signature}",
    }


def call(scene, route, token):
    """Calls a route with an empty object, which no route does anything for; gives back status and body."""
    method, path = route.split(" ")
    path = re.sub(r"\{([a-z_]+)\}", lambda found: NAMES[found.group(1)], path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = b"{}" if method in ("POST", "PUT") else None
    request = urllib.request.Request(scene.stack.endpoints["api_url"] + path, data=body, headers=headers, method=method)
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


PARTS = [guarded]
