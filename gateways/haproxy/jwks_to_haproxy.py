#!/usr/bin/env python3
"""Keep the portal's public keys where HAProxy reads them: ``jwks_to_haproxy.py [RELOAD COMMAND …]``.

Run it every few minutes. It fetches the JWKS, writes a PEM file a key and ``keys.cfg``, rules that check a
key's signature by them, and reloads HAProxy when something has changed. Ends with 1, leaving all as it was,
when the portal can't be asked or publishes no key of use. Needs cryptography, and nothing else beside Python.
"""

import base64
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

JWKS = "https://portal.example.com/.well-known/jwks.json"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
ALGORITHMS = {"RS256"}
FOLDER = Path("/etc/haproxy/latchkey")
LOADED = FOLDER / "loaded"  # the digest of what HAProxy was last told to read

BEGINNING = """\
# Written by jwks_to_haproxy.py. txn.verified is 1 when one of the portal's keys signed the caller's.
defaults portal-keys
    mode http
    http-request set-var(txn.key) http_auth_bearer
    http-request set-var(txn.alg) var(txn.key),jwt_header_query('$.alg')
    http-request set-var(txn.kid) var(txn.key),jwt_header_query('$.kid')
"""
# The algorithm is the portal's word, not the caller's. HAProxy loads only files that stand in a rule.
RULE = (
    '    http-request set-var(txn.verified) var(txn.key),jwt_verify({alg},"{path}")'
    " if {{ var(txn.kid) -m str -- {kid} }} {{ var(txn.alg) -m str {alg} }}\n"
)

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def pem(jwk: dict[str, str]) -> bytes:
    """The public key as HAProxy reads it; raises KeyError or ValueError for what is none of RSA or EC."""
    if jwk["kty"] == "RSA":
        key = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key()
    else:
        key = ec.EllipticCurvePublicNumbers(
            number(jwk["x"]), number(jwk["y"]), CURVES[jwk["crv"]]
        ).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def published() -> dict[tuple[str, str], bytes]:
    """The keys of use as ``{(alg, kid): PEM}``; one that can't be read spoils no other."""
    tls = ssl.create_default_context(cafile=AUTHORITIES)
    with urllib.request.urlopen(JWKS, context=tls, timeout=10) as answer:
        jwks = json.load(answer)["keys"]
    keys = {}
    for jwk in jwks:
        kid, alg = str(jwk.get("kid")), str(jwk.get("alg"))
        usable = alg in ALGORITHMS and alg[:2] in {"RS", "ES"} and jwk.get("use", "sig") == "sig"
        # The kid becomes a file's name and a word of the configuration.
        if not usable or not re.fullmatch(r"[\w-]{1,128}", kid, re.ASCII):
            sys.stderr.write(f"left out: {kid!r} ({alg})\n")
            continue
        try:
            keys[alg, kid] = pem(jwk)
        except (KeyError, ValueError) as exc:
            sys.stderr.write(f"left out: {kid!r} ({exc!r})\n")
    return keys


def files(keys: dict[tuple[str, str], bytes]) -> dict[str, bytes]:
    """What to write, by name."""
    paths = {name: FOLDER / "keys" / f"{name[1]}.pem" for name in sorted(keys)}
    rules = [RULE.format(alg=alg, kid=kid, path=path) for (alg, kid), path in paths.items()]
    return {
        **{f"keys/{path.name}": keys[name] for name, path in paths.items()},
        "keys.cfg": (BEGINNING + "".join(rules)).encode(),
    }


def write(name: str, content: bytes) -> None:
    """At once or not at all: HAProxy may be starting at this moment."""
    unfinished = FOLDER / f"{name}.new"
    unfinished.write_bytes(content)
    os.replace(unfinished, FOLDER / name)


def main(reload: list[str]) -> None:
    keys = published()
    if not keys:
        raise ValueError("the portal publishes no key of use")
    wanted = files(keys)
    digest = hashlib.sha256(repr(sorted(wanted.items())).encode()).hexdigest()
    if LOADED.exists() and LOADED.read_text() == digest:
        return
    (FOLDER / "keys").mkdir(parents=True, exist_ok=True)
    for name, content in wanted.items():
        write(name, content)
    if reload:
        subprocess.run(reload, check=True)
    # Only now: a reload that failed is tried again the next time.
    write(LOADED.name, digest.encode())
    for path in (FOLDER / "keys").iterdir():
        if f"keys/{path.name}" not in wanted:
            path.unlink()
    sys.stdout.write(f"{len(keys)} keys written to {FOLDER}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError, KeyError, subprocess.CalledProcessError) as exc:
        sys.exit(f"{type(exc).__name__}: {exc}")
