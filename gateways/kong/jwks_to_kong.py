"""Print Kong's consumer with the portal's public keys, for `deck gateway sync`.

python3 jwks_to_kong.py > keys.yaml && deck gateway sync kong-jwt.yaml keys.yaml
"""

import json
import sys
import urllib.request

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

JWKS = "https://portal.example.com/.well-known/jwks.json"
ALGORITHMS = ("RS256",)  # those that the portal signs with


def consumer(jwks: dict[str, list[dict[str, str]]], algorithms: tuple[str, ...]) -> dict[str, object]:
    """Kong's declarative form; a key is found by its ``kid``. Raises KeyError for what is no JWKS."""
    secrets = []
    for key in jwks["keys"]:
        if key["alg"] in algorithms:
            pem = PyJWK(key).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            secrets.append({"key": key["kid"], "algorithm": key["alg"], "rsa_public_key": pem})
    return {"username": "portal", "jwt_secrets": secrets}


def main() -> None:
    with urllib.request.urlopen(JWKS, timeout=10) as answer:
        found = consumer(json.load(answer), ALGORITHMS)
    if not found["jwt_secrets"]:
        sys.exit("the portal publishes no key that Kong's plugin jwt can use; nothing was printed")
    # YAML is a superset of JSON.
    json.dump({"_format_version": "3.0", "consumers": [found]}, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
