"""The AWS authorizer's check of a key beside PyJWT's ``decode`` and Node's ``aws-jwt-verify``, in turn."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import jwt

from tokens.checker import KeyChecker
from tokens.fetch import Fetched
from tokens.jwk import generate_private_key, public_jwk, thumbprint
from tokens.remote_keys import RemoteKeys
from tokens.remote_statuses import RemoteStatuses
from tokens.sign import sign
from tokens.status_list import LIST_TYPE, Statuses
from tokens.verify import Verifier

ROUNDS, NUMBER, IMPORTS = 9, 2_000, 7
CHECKOUT = Path(__file__).parents[1]
AUTHORIZER = CHECKOUT / "gateways" / "aws_authorizer"
NODE_MODULES = CHECKOUT / "tests" / "node"
PORTAL, AUDIENCE = "https://portal.example.com", "https://api.example.com"
LIST = f"{PORTAL}/.well-known/status-lists/0"


class Issued:
    """A key of the portal's, with what it publishes; RS256, which is the default."""

    def __init__(self) -> None:
        private, now = generate_private_key("RS256"), int(time.time())
        kid = thumbprint(private)
        signing = {"key": private, "kid": kid, "algorithm": "RS256"}
        self.public = private.public_key()
        self.jwks = {"keys": [public_jwk(private, kid=kid, algorithm="RS256")]}
        claims = {
            "iss": PORTAL, "sub": "usr_Zidhrr9nw6lcKvphDsJV", "org_id": "acme-1042",
            "iat": now, "exp": now + 7200,
            "scope": "orders:read orders:write", "aud": AUDIENCE, "client_id": "key_8EgjqL7AiX0v8zk74oL4",
            "status": {"status_list": {"idx": 422884, "uri": LIST}},
        }  # fmt: skip
        self.token, self.other = (
            sign({**claims, "jti": uuid4().hex}, typ="at+jwt", **signing) for _ in range(2)
        )
        statuses = Statuses.of_keys(0, range(0, 1_000_000, 10), b"sixteen bytes or more").claim()
        listed = {"sub": LIST, "iat": now, "exp": now + 7200, "ttl": 3600, "status_list": statuses}
        self.list = sign(listed, typ=LIST_TYPE, **signing).encode()

    def fetch(self, url: str, etag: str | None) -> Fetched:
        return Fetched(self.list if url == LIST else json.dumps(self.jwks).encode(), None)

    def checker(self, *, remembered: int) -> KeyChecker:
        keys = RemoteKeys(f"{PORTAL}/.well-known/jwks.json", fetch=self.fetch)
        statuses = RemoteStatuses(LIST.rpartition("/")[0], keys, fetch=self.fetch)
        return KeyChecker(Verifier(keys, PORTAL, (AUDIENCE,)), statuses=statuses, remembered=remembered)


def microseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(NUMBER):
        act()
    return (time.perf_counter() - start) / NUMBER * 1e6


@contextmanager
def node(issued: Issued) -> Iterator[Callable[[], float] | None]:
    """Gives what measures a round of aws-jwt-verify, or None where it isn't installed."""
    if not shutil.which("node") or not (NODE_MODULES / "node_modules" / "aws-jwt-verify").is_dir():
        yield None
        return
    command = ["node", str(Path(__file__).with_name("aws-jwt-verify.mjs")), str(NODE_MODULES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said, heard = process.stdin, process.stdout

        def measure(line: str = "") -> float:
            said.write(line + "\n")
            said.flush()
            return float(heard.readline())

        setting = {
            "jwks": issued.jwks,
            "issuer": PORTAL,
            "audience": AUDIENCE,
            "token": issued.token,
            "number": NUMBER,
        }
        said.write(json.dumps(setting) + "\n")
        measure()  # its compiler needs a round
        yield measure
        said.close()


@contextmanager
def unpacked() -> Iterator[Path]:
    """A folder as the zip unpacks: nothing of it is compiled, as nothing can be where Lambda puts it."""
    site = Path(jwt.__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        for name in (CHECKOUT / "tokens", AUTHORIZER / "aws_authorizer", site / "jwt", site / "cryptography"):
            shutil.copytree(name, Path(folder, name.name), ignore=shutil.ignore_patterns("__pycache__"))
        for path in (AUTHORIZER / "lambda_function.py", *site.glob("_cffi_backend*")):
            shutil.copy(path, folder)
        yield Path(folder)


def cold_import_milliseconds(folder: Path) -> float:
    """Of the function in a new process."""
    program = (
        "import sys, time; sys.path.insert(0, '.'); start = time.perf_counter(); import lambda_function; "
        "print(1000 * (time.perf_counter() - start))"
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    done = subprocess.run(
        command, cwd=folder, env={"ISSUER": PORTAL}, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    issued = Issued()
    seen, forgetful = issued.checker(remembered=10_000), issued.checker(remembered=1)
    tokens = [issued.token, issued.other]

    def first_sight() -> None:
        tokens.reverse()
        forgetful.check(tokens[0])  # remembers one: the other, and verifies this anew

    def decode() -> None:
        jwt.decode(issued.token, issued.public, algorithms=["RS256"], audience=AUDIENCE, issuer=PORTAL)

    figures: dict[str, list[float]] = {"seen": [], "first": [], "decode": [], "node": []}
    with node(issued) as measure_node:
        for _ in range(ROUNDS):
            figures["seen"].append(microseconds(lambda: seen.check(issued.token)))
            figures["first"].append(microseconds(first_sight))
            figures["decode"].append(microseconds(decode))
            if measure_node is not None:
                figures["node"].append(measure_node())
    median = {name: statistics.median(values) for name, values in figures.items() if values}
    first = f"first sight {median['first']:.1f} µs, PyJWT decode {median['decode']:.1f} µs"
    print(f"authorizer: {first}, ratio {ratio(figures['first'], figures['decode']):.2f}")
    seen_again = f"seen before {median['seen']:.2f} µs"
    if measure_node is None:
        print(f"authorizer: {seen_again}; aws-jwt-verify is not installed")
    else:
        compared = ratio(figures["seen"], figures["node"])
        print(f"authorizer: {seen_again}, aws-jwt-verify {median['node']:.1f} µs, ratio {compared:.3f}")
    with unpacked() as folder:
        cold = [cold_import_milliseconds(folder) for _ in range(IMPORTS)]
    print(f"authorizer: cold import, median {statistics.median(cold):.0f} ms, slowest {max(cold):.0f} ms")


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Round by round, so that a drifting machine hits both."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
