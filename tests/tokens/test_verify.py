"""The claims of a token, held against the verifier's rules."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.tokens.keys import NOW, NOW_SECONDS, claims, raw_token, token, verifier
from tokens.verify import InvalidToken, Verifier

AUDIENCE = "https://api.example"


def refusal(text: str, rules: Verifier | None = None) -> str:
    with pytest.raises(InvalidToken) as refused:
        (rules or verifier()).verify(text)
    return refused.value.code


def changed(name: str, value: object) -> str:
    """A token with one claim changed; None removes it."""
    return raw_token(json.dumps(claims(**{name: value})).encode())


def test_good_token_yields_its_header_claims_and_kid() -> None:
    verified = verifier().verify(token(scope="read write"))

    assert verified.kid == "ES256"
    assert verified.header == {"alg": "ES256", "kid": "ES256", "typ": "JWT"}
    assert verified.claims == claims(scope="read write")


def test_clock_is_the_systems_unless_given() -> None:
    now = int(datetime.now(UTC).timestamp())
    rules = Verifier(verifier().keys, verifier().issuer)

    assert rules.verify(token(iat=now - 5, exp=now + 3600)).kid == "ES256"
    assert refusal(token(iat=now - 60, exp=now - 5), rules) == "expired"


@pytest.mark.parametrize("name", ["iss", "sub", "exp", "iat", "jti"])
def test_required_claim_can_not_be_left_out(name: str) -> None:
    assert refusal(changed(name, None)) == "missing_claim"


def test_required_claims_are_the_callers_choice() -> None:
    rules = verifier(required=("org_id",))

    assert rules.verify(token(jti=None, exp=None, org_id="7")).claims["org_id"] == "7"
    assert refusal(token(), rules) == "missing_claim"
    assert refusal(token(org_id="7", iss=None), rules) == "wrong_issuer"


# Times


@pytest.mark.parametrize(
    ("seconds", "code"), [(1, None), (0, "expired"), (-1, "expired"), (0.5, None), (-0.5, "expired")]
)
def test_token_ends_at_exp_and_not_after_it(seconds: float, code: str | None) -> None:
    text = token(exp=NOW_SECONDS + seconds)

    assert (refusal(text) if code else None) == code
    assert code or verifier().verify(text)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_token_begins_at_iat_and_nbf(name: str) -> None:
    assert verifier().verify(changed(name, NOW_SECONDS))
    assert refusal(changed(name, NOW_SECONDS + 1)) == "not_yet_valid"


def test_leeway_stretches_both_ends() -> None:
    rules = verifier(leeway=timedelta(seconds=30))

    assert rules.verify(token(iat=NOW_SECONDS - 60, exp=NOW_SECONDS - 29))
    assert refusal(token(iat=NOW_SECONDS - 60, exp=NOW_SECONDS - 30), rules) == "expired"
    assert rules.verify(token(iat=NOW_SECONDS + 30, nbf=NOW_SECONDS + 30))
    assert refusal(token(iat=NOW_SECONDS + 31), rules) == "not_yet_valid"
    assert refusal(token(nbf=NOW_SECONDS + 31), rules) == "not_yet_valid"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", [str(NOW_SECONDS + 600), True, False, [NOW_SECONDS], {}, "", 10**12, 10**400 // 3, 1e300, -1]
)
def test_time_is_a_finite_sensible_number(name: str, value: object) -> None:
    assert refusal(changed(name, value)) == "bad_claim"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_time_null_is_refused(name: str) -> None:
    text = raw_token(
        b'{"iss":"https://portal.example","sub":"u","jti":"j","iat":1,"exp":99999999999,"nbf":1}'.replace(
            f'"{name}":'.encode(), f'"{name}":null,"x":'.encode()
        )
    )

    assert refusal(text) == "bad_claim"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000])
def test_time_that_is_no_json_number_is_malformed(value: str) -> None:
    text = f'{{"iss":"https://portal.example","sub":"u","jti":"j","iat":1,"exp":{value}}}'

    assert refusal(raw_token(text.encode())) == "malformed"


# Issuer, audience, type


@pytest.mark.parametrize(
    "issuer", ["", "https://portal.example/", "HTTPS://portal.example", "https://portal.example\0", "evil"]
)
def test_issuer_is_compared_exactly(issuer: str) -> None:
    assert refusal(token(iss=issuer)) == "wrong_issuer"


@pytest.mark.parametrize("name", ["iss", "sub", "jti", "client_id", "scope"])
@pytest.mark.parametrize("value", [1, True, ["https://portal.example"], {}])
def test_text_claims_are_text(name: str, value: object) -> None:
    assert refusal(changed(name, value)) == "bad_claim"


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
def test_token_for_our_audience_is_accepted(audience: object) -> None:
    assert verifier(audience=(AUDIENCE, "second")).verify(token(aud=audience))


@pytest.mark.parametrize(
    ("audience", "code"),
    [
        (None, "missing_claim"), ("other", "wrong_audience"), (["other"], "wrong_audience"),
        ("", "wrong_audience"),
        (AUDIENCE + "/", "wrong_audience"), ([], "bad_claim"), ([AUDIENCE, 1], "bad_claim"), (1, "bad_claim"),
        ([[AUDIENCE]], "bad_claim"), ({AUDIENCE: 1}, "bad_claim"), (True, "bad_claim"), ([None], "bad_claim"),
    ],
)  # fmt: skip
def test_token_for_another_audience_is_refused(audience: object, code: str) -> None:
    assert refusal(token(aud=audience), verifier(audience=(AUDIENCE,))) == code


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ""])
def test_token_for_somebody_is_refused_where_no_audience_is_set(audience: object) -> None:
    assert refusal(token(aud=audience)) == "wrong_audience"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"])
def test_type_is_compared_without_case_and_prefix(typ: str) -> None:
    text = token(typ=typ, aud=AUDIENCE, client_id="key_1")

    assert verifier(audience=(AUDIENCE,)).verify(text)


@pytest.mark.parametrize(
    "typ", ["statuslist+jwt", "JOSE", "", "logout+jwt", "JWT ", "x/JWT", "application/x/JWT"]
)
def test_other_kinds_of_jwt_are_refused(typ: str) -> None:
    header = {"alg": "ES256", "kid": "ES256", "typ": typ}
    assert refusal(raw_token(b"{}", header=header)) == "wrong_type"


@pytest.mark.parametrize("header", [{}, {"typ": None}, {"typ": ["JWT"]}, {"typ": 1}])
def test_missing_and_strange_types_are_refused(header: dict[str, object]) -> None:
    assert refusal(raw_token(b"{}", header={"alg": "ES256", "kid": "ES256"} | header)) == "wrong_type"


def test_types_are_the_callers_choice() -> None:
    rules = verifier(types=frozenset({"StatusList+jwt"}), required=())

    assert rules.verify(token(typ="statuslist+jwt"))
    assert refusal(token(), rules) == "wrong_type"


@pytest.mark.parametrize("missing", ["client_id", "aud", "sub", "jti", "iat", "exp"])
def test_access_token_carries_what_rfc_9068_asks(missing: str) -> None:
    rules = verifier(audience=(AUDIENCE,), required=())
    whole: dict[str, object] = {"typ": "at+jwt", "aud": AUDIENCE, "client_id": "key_1"}

    assert rules.verify(token(**whole))  # type: ignore[arg-type]
    assert refusal(token(**whole | {missing: None}), rules) == "missing_claim"  # type: ignore[arg-type]


def test_plain_jwt_needs_no_client_id() -> None:
    assert verifier(audience=(AUDIENCE,)).verify(token(aud=AUDIENCE))


# The payload as JSON


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b'"iss"', b"{", b"{}{}", b"\xff", b'{"sub":"\xed\xa0\x80"}', b'{"sub":"\\ud800"}',
        b'{"exp":1,"exp":99999999999}', b'{"a":{"b":1,"b":1}}', b'{"a":[{"b":1,"b":1}]}', b"\xef\xbb\xbf{}",
        b"[" * 6000, b'{"a":' * 2000 + b"1" + b"}" * 2000, b'{"a":' + b"[" * 50 + b"]" * 50 + b"}",
        "{}".encode("utf-16"), b"{}\0",
    ],
)  # fmt: skip
def test_payload_that_is_no_strict_json_object_is_malformed(payload: bytes) -> None:
    assert refusal(raw_token(payload)) == "malformed"


def test_nul_and_foreign_text_are_only_text() -> None:
    assert verifier().verify(token(sub="a\0b", name="😀 é")).claims["sub"] == "a\0b"


def test_clock_is_injected() -> None:
    later = verifier(now=lambda: (NOW + timedelta(days=1)).timestamp())

    assert refusal(token(), later) == "expired"
