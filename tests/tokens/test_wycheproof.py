"""Project Wycheproof's JWS and JWK vectors (tests/vectors), at the JWS layer and the key importer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tokens.jwk import InvalidKey, public_key_from_jwk
from tokens.jws import InvalidToken, verify_jws
from tokens.keyset import KeySet, VerificationKey

Vector: TypeAlias = dict[str, Any]

VECTORS = Path(__file__).parents[1] / "vectors"
# Labels that can't be held against anybody, all in json_web_signature_test.json: tcId -> (accepted, why).
DISPUTED = {
    367: (True, "labelled invalid, but byte for byte test 357, which is labelled valid"),
    370: (True, "labelled invalid, but byte for byte test 357, which is labelled valid"),
    372: (False, "labelled valid, with a '?' inside the header: RFC 7515 5.2 refuses it"),
    373: (False, "labelled valid, with a '?' inside the payload: RFC 7515 5.2 refuses it"),
    346: (False, "labelled valid, PS384 under a key for PS256: RFC 8725 3.1 refuses it"),
    350: (False, "labelled valid, PS384 under a key for PS256: RFC 8725 3.1 refuses it"),
    347: (False, "labelled valid, ES512 under a key for the unknown ES521: RFC 8725 3.1 refuses it"),
    351: (False, "labelled valid, ES512 under a key for the unknown ES521: RFC 8725 3.1 refuses it"),
}
SIGNATURE = "json_web_signature_test.json"


def groups(name: str) -> list[Vector]:
    found: list[Vector] = json.loads((VECTORS / name).read_text())["testGroups"]
    return found


def cases(name: str) -> Iterator[tuple[Vector, Vector, int, bool]]:
    """(group, test, tcId, whether it is valid) of every JWS test; the JWE tests are another matter."""
    for group in groups(name):
        for test in group["tests"]:
            if "jws" in test:
                yield group, test, test["tcId"], test["result"] == "valid"


def keys_of(material: Vector) -> KeySet:
    """What a verifier would hold: a published set as it is, lone and shared keys imported one by one."""
    members = material.get("keys", [material])
    if "keys" in material and any(member["kty"] != "oct" for member in members):
        return KeySet.from_jwks(material)
    imported = ((jwk["kid"], *public_key_from_jwk(jwk, allow_oct=True)) for jwk in members)
    return KeySet(VerificationKey(*parts) for parts in imported)


def accepts(group: Vector, test: Vector) -> bool:
    try:
        keys = keys_of(group.get("public") or group["private"])
    except ValueError:
        return False
    try:
        verify_jws(test["jws"], lambda header: keys.get(str(header.get("kid"))))
    except InvalidToken:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "total", "valid", "unlike_label"),
    [
        (SIGNATURE, 401, 46, set(DISPUTED)),
        ("json_web_key_test.json", 26, 5, set()),
        ("json_web_crypto_test.json", 49, 4, set()),
    ],
)
def test_every_vector_ends_as_labelled_but_for_the_disputed(
    name: str, total: int, valid: int, unlike_label: set[int]
) -> None:
    outcomes = {tc: (accepts(group, test), label) for group, test, tc, label in cases(name)}

    assert {tc for tc, (accepted, label) in outcomes.items() if accepted != label} == unlike_label
    assert len(outcomes) == total
    assert sum(label for _, label in outcomes.values()) == valid


@pytest.mark.parametrize("tc", DISPUTED)
def test_disputed_vector_ends_as_the_rfcs_say(tc: int) -> None:
    group, test = next((group, test) for group, test, number, _ in cases(SIGNATURE) if number == tc)

    assert accepts(group, test) is DISPUTED[tc][0], DISPUTED[tc][1]


def test_two_disputed_vectors_really_are_test_357() -> None:
    tokens = {tc: test["jws"] for _, test, tc, _ in cases(SIGNATURE)}

    assert tokens[357] == tokens[367] == tokens[370]


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        ("jws_rsa_roca_key", "ROCA"),
        ("keysize_too_small", "bits"),
        ("exponentOne", "parameters"),
        ("invalid_use", "use"),
        ("invalid_point", "parameters"),
        ("wrong_curve", "contradicts"),
        ("wrong_kty", "contradicts"),
        ("wrong_algorithm", "none of"),
        ("invalid_aes_gcm_key", "none of"),
    ],
)
def test_key_importer_names_what_is_wrong_with_a_key(comment: str, reason: str) -> None:
    group = next(g for g in groups("json_web_key_test.json") if g["comment"] == comment)
    jwk = (group.get("public") or group["private"])["keys"][0]

    with pytest.raises(InvalidKey, match=reason):
        public_key_from_jwk(jwk, allow_oct=True)


def test_jwe_vectors_are_the_only_ones_left_out() -> None:
    jwe = [g for g in groups("json_web_crypto_test.json") if g["comment"].startswith("jwe")]

    assert sum(len(group["tests"]) for group in jwe) == 83 - 49
    assert not any("jws" in test for group in jwe for test in group["tests"])
