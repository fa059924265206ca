"""Configurations for services that no machine of ours can run: at least they are well-formed, filled or not."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as xml
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from portal.core.recipes import AUDIENCE, PORTAL, Values, recipe_named, recipes
from tests.gateways.issuer import SigningKey
from tests.real.required import require

SERVICES = [recipe for recipe in recipes().values() if recipe.kind == "service"]
WITH, WITHOUT = (
    Values(PORTAL, PORTAL, AUDIENCE),
    Values("https://p.test", "https://p.test", None, ("ES256",), "company"),
)


@pytest.mark.parametrize("recipe", SERVICES, ids=lambda recipe: recipe.name)
def test_pages_say_that_nothing_was_run(recipe: Any) -> None:
    page = " ".join(recipe.page(WITH).split())
    assert re.search(r"Written from the vendor's documentation( and source)?, not run by our tests", page)
    assert "claims it reads" in page
    assert "## Rotation and revocation" in page


def well_formed_yaml(text: str) -> Any:
    class Tags(yaml.SafeLoader):
        """CloudFormation's own tags."""

    Tags.add_multi_constructor("!", lambda loader, suffix, node: f"{suffix} {node.value}")
    return yaml.load(text, Tags)


PARSERS: dict[str, Callable[[str], Any]] = {".yaml": well_formed_yaml, ".xml": xml.fromstring}


@pytest.mark.parametrize("values", [WITH, WITHOUT], ids=["audience", "no audience"])
@pytest.mark.parametrize("recipe", SERVICES, ids=lambda recipe: recipe.name)
def test_files_are_well_formed(recipe: Any, values: Values) -> None:
    for name, text in recipe.filled(values).items():
        if parse := PARSERS.get(Path(name).suffix):
            assert parse(text) is not None


def filled(recipe: str, file: str, values: Values = WITH) -> Any:
    return PARSERS[Path(file).suffix](recipe_named(recipe).filled(values)[file])


def test_cloudformation_accepts_the_template(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(recipe_named("aws-http-api").filled(WITH)["template.yaml"])
    linter = shutil.which("cfn-lint", path=str(Path(__file__).parents[2] / ".venv/bin"))
    require(linter, "cfn-lint is not installed")
    done = subprocess.run(
        [str(linter), str(template)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_service_that_checks_an_issuer_names_ours() -> None:
    """Status lists are public and signed by the same keys: only their issuer tells them from keys."""
    checked = [recipe.name for recipe in SERVICES if any(
        re.search(r'https://portal\.example\.com["\s<,\]]', text) for text in recipe.filled(WITH).values()
    )]  # fmt: skip
    by_rules_on_the_page = {"cloudflare"}
    asks_or_identifies = {"moesif"}
    assert set(checked) | by_rules_on_the_page | asks_or_identifies >= {recipe.name for recipe in SERVICES}


def test_kong_gets_the_published_keys() -> None:
    keys = [SigningKey(algorithm) for algorithm in ("RS256", "ES256", "EdDSA")]
    values = Values(PORTAL, PORTAL, None, ("RS256", "ES256"))
    namespace: dict[str, Any] = {"__name__": "kong"}
    exec(recipe_named("kong").filled(values)["jwks_to_kong.py"], namespace)
    found = namespace["consumer"]({"keys": [key.jwk for key in keys]}, namespace["ALGORITHMS"])
    assert [(one["key"], one["algorithm"]) for one in found["jwt_secrets"]] == [
        (key.kid, key.algorithm) for key in keys[:2]
    ]
    for key, secret in zip(keys, found["jwt_secrets"], strict=False):
        assert load_pem_public_key(secret["rsa_public_key"].encode()) == key.private.public_key()  # type: ignore[union-attr]


def test_kong_looks_at_the_audience_only_where_there_is_one() -> None:
    def function(values: Values) -> str:
        plugins = filled("kong", "kong-jwt.yaml", values)["services"][0]["plugins"]
        return str(plugins[1]["config"]["access"][0])

    assert f'wanted = "{AUDIENCE}"' in function(WITH)
    assert "wanted = " not in function(WITHOUT).replace("local wanted, found = nil, false", "")
    assert 'claims["company"]' in function(WITHOUT)


def test_nginx_plus_asks_for_an_audience_only_where_there_is_one() -> None:
    recipe = recipe_named("nginx-plus")
    assert "auth_jwt_require $latchkey_audience_fits;" in recipe.filled(WITH)["latchkey.conf"]
    assert "audience_fits" not in recipe.filled(WITHOUT)["latchkey.conf"]


def test_tyk_hands_on_the_claim_by_its_name() -> None:
    added = filled("tyk", "tyk.yaml", WITHOUT)["x-tyk-api-gateway"]["middleware"]["global"][
        "transformRequestHeaders"
    ]
    assert added["add"][0] == {"name": "X-Org-Id", "value": "$tyk_context.jwt_claims_company"}


WORKER = """
import worker from "./worker.mjs";
const [published, asked] = [JSON.parse(process.argv[2]), []];
globalThis.fetch = async (url, init = {}) => {
  asked.push([init.method ?? "GET", url, init.body]);
  return { ok: true, status: 200, json: async () => published };
};
let failed = "";
const waitUntil = (promise) => (worker.waiting = promise);
worker.scheduled({}, { ZONE_ID: "zone", CONFIG_ID: "config", CF_API_TOKEN: "token" }, { waitUntil });
await worker.waiting.catch((error) => (failed = error.message));
console.log(JSON.stringify({ asked, failed }));
"""


@pytest.mark.parametrize(("count", "pushed"), [(2, True), (0, False), (17, False)])
def test_the_cloudflare_worker_pushes_whole_lists_only(tmp_path: Path, count: int, pushed: bool) -> None:
    node = shutil.which("node")
    require(node, "Node is not installed")
    (tmp_path / "worker.mjs").write_text(recipe_named("cloudflare").filled(WITHOUT)["worker.js"])
    (tmp_path / "try.mjs").write_text(WORKER)
    jwks = {"keys": [{"kid": str(number)} for number in range(count)]}
    done = subprocess.run(
        [str(node), "try.mjs", json.dumps(jwks)], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["asked"][0][:2] == ["GET", "https://p.test/.well-known/jwks.json"]
    assert bool(said["failed"]) is not pushed
    assert [(method, json.loads(body)) for method, _, body in said["asked"][1:]] == [("PUT", jwks)] * pushed
