"""The compact JWS layer."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.tokens.keys import key_set, raw_token, signature, signing_key, verifying_half
from tokens import base64url
from tokens.jws import MAX_TOKEN_BYTES, Header, InvalidToken, verify_jws
from tokens.keyset import VerificationKey

HEADER: Header = {"alg": "ES256", "kid": "ES256"}


def read(token: str | bytes, *algorithms: str) -> tuple[Header, bytes]:
    keys = key_set(*algorithms or ("ES256",))
    return verify_jws(token, lambda header: keys.get(str(header.get("kid"))))[:2]


def refusal(token: object, *algorithms: str) -> str:
    with pytest.raises(InvalidToken) as refused:
        read(token, *algorithms)  # type: ignore[arg-type]
    return refused.value.code


@pytest.mark.parametrize("payload", [b"", b"foo", b"\0\xff", b"{}"])
def test_payload_is_returned_whatever_it_is(payload: bytes) -> None:
    token = raw_token(payload, header=HEADER)

    assert read(token) == (HEADER, payload)
    assert read(token.encode()) == (HEADER, payload)


def test_same_token_with_another_payload_is_refused() -> None:
    protected, _, mark = raw_token(b"foo").split(".")

    assert refusal(f"{protected}.{base64url.encode(b'bar')}.{mark}") == "bad_signature"


def test_key_is_chosen_by_the_caller() -> None:
    with pytest.raises(InvalidToken) as refused:
        verify_jws(raw_token(b"foo"), lambda _: None)

    assert refused.value.code == "unknown_key"


def test_error_of_the_key_lookup_is_not_mistaken_for_a_bad_token() -> None:
    def away(_: Header) -> VerificationKey:
        raise ConnectionError("database away")

    with pytest.raises(ConnectionError):
        verify_jws(raw_token(b"foo"), away)


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_only_three_segments_are_a_token(count: int) -> None:
    assert refusal(".".join((raw_token(b"foo") + ".e30.e30").split(".")[:count])) == "malformed"


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "foo", None, 7, [], {}, b"\xff.\xff.\xff", "é.é.é", "\ud800"]
)
def test_what_is_no_token_is_malformed(token: object) -> None:
    assert refusal(token) == "malformed"


def test_size_is_bounded() -> None:
    fits = raw_token(b"x" * 12_000)
    too_long = raw_token(b"x" * 12_300)

    assert len(fits) <= MAX_TOKEN_BYTES < len(too_long)
    assert len(read(fits)[1]) == 12_000
    assert refusal(too_long) == "malformed"


@pytest.mark.parametrize("segment", [0, 1, 2])
@pytest.mark.parametrize("change", ["{}=", "{}==", "{}\n", " {}", "{}?", "{} ", "+{}", "{}A", "{}\0", "{}é"])
def test_segment_in_another_spelling_is_malformed(segment: int, change: str) -> None:
    segments = raw_token(b"fo!").split(".")
    segments[segment] = change.format(segments[segment])

    assert refusal(".".join(segments)) in {"malformed", "bad_signature"}
    if "A" not in change:
        assert refusal(".".join(segments)) == "malformed"


def test_padded_segments_are_refused_though_the_signature_covers_them() -> None:
    padded = base64url.encode(json.dumps(HEADER).encode()) + "=="
    signing_input = f"{padded}.{base64url.encode(b'foo')}"

    assert refusal(f"{signing_input}.{base64url.encode(signature(signing_input))}") == "malformed"


def test_unused_bits_are_zero() -> None:
    token = raw_token(b"foo")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(token[-1])
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1]

    assert len(base64url.decode(token.split(".")[2])) == 64  # four unused bits in the last character
    assert refusal(token[:-1] + other) == "malformed"


@pytest.mark.parametrize(
    "header",
    [
        b"", b"null", b"[]", b'"alg"', b"5", b"{", b"{}", b"\xef\xbb\xbf" + b'{"alg":"ES256","kid":"ES256"}',
        b'{"alg":"ES256","kid":"ES256"} x', b"\xff", b'{"alg":"ES256","kid":"\xed\xa0\x80"}',
        b'{"alg":"ES256","kid":"ES256","alg":"ES256"}', b'{"alg":"ES256","kid":"ES256","x":{"y":1,"y":2}}',
        b'{"alg":"ES256","kid":"ES256","x":[{"y":1,"\\u0079":2}]}', b'{"alg":"ES256","kid":"ES256","x":NaN}',
        b'{"alg":"ES256","kid":"ES256","x":-Infinity}', b'{"alg":"ES256","kid":"ES256","x":1e999}',
        b'{"alg":"ES256","kid":"ES256","x":"\\ud800"}', b'{"alg":"ES256","kid":"ES256","\\udc00":1}',
        b'{"alg":"ES256","kid":"ES256","x":["\\ud800"]}',
        b'{"alg":"ES256","kid":"ES256","x":' + b"9" * 5000 + b"}",
        b'{"alg":"ES256","kid":"ES256","x":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"alg":"ES256","kid":"ES256","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"x":' * 2000 + b"1" + b"}" * 2000,
        b'{"alg":5,"kid":"ES256"}', b'{"alg":null,"kid":"ES256"}', b'{"alg":["ES256"],"kid":"ES256"}',
        b'{"kid":"ES256"}',
    ],
)  # fmt: skip
def test_header_that_is_no_strict_json_object_is_malformed(header: bytes) -> None:
    assert refusal(raw_token(b"foo", header=header)) == "malformed"


@pytest.mark.parametrize(
    "extension",
    [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": None}, {"crit": ["b64"], "b64": True}, {"b64": True},
     {"b64": False}],
)  # fmt: skip
def test_header_extensions_are_refused(extension: Header) -> None:
    assert refusal(raw_token(b"foo", header=HEADER | extension)) == "unsupported_extension"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "ES256K", "es256", "ES256 ", "HS1", "dir"])
def test_unsupported_algorithms_are_refused(alg: str) -> None:
    unsigned = raw_token(b"foo", header=HEADER | {"alg": alg})

    assert refusal(unsigned) == "wrong_algorithm"
    assert refusal(unsigned.rpartition(".")[0] + ".") == "wrong_algorithm"


@pytest.mark.parametrize("named", ["RS384", "PS256", "HS256", "ES256"])
def test_algorithm_is_the_keys_and_never_the_tokens(named: str) -> None:
    header: Header = {"alg": named, "kid": "RS256"}

    assert refusal(raw_token(b"foo", "RS256", header), "RS256") == "wrong_algorithm"


@pytest.mark.parametrize(
    ("signed_with", "bound"), [("RS256", "PS256"), ("PS256", "RS256"), ("RS512", "RS256")]
)
def test_signature_of_another_algorithm_of_the_same_key_is_refused(signed_with: str, bound: str) -> None:
    key = signing_key("RS256")
    signing_input = raw_token(b"foo", header={"alg": bound, "kid": "k"}).rpartition(".")[0]
    mark = jwt.get_algorithm_by_name(signed_with).sign(signing_input.encode(), key)
    with pytest.raises(InvalidToken) as refused:
        verify_jws(
            f"{signing_input}.{base64url.encode(mark)}",
            lambda _: VerificationKey("k", bound, verifying_half(key)),
        )
    assert refused.value.code == "bad_signature"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "HS256"])
@pytest.mark.parametrize("change", ["empty", "zeros", "longer", "shorter", "doubled"])
def test_signature_has_its_exact_length_and_is_not_zero(algorithm: str, change: str) -> None:
    text = raw_token(b"foo", algorithm)
    mark = base64url.decode(text.rpartition(".")[2])
    forged = {
        "empty": b"",
        "zeros": bytes(len(mark)),
        "longer": mark + b"\0",
        "shorter": mark[:-1],
        "doubled": mark * 2,
    }

    assert (
        refusal(f"{text.rpartition('.')[0]}.{base64url.encode(forged[change])}", algorithm) == "bad_signature"
    )


def test_der_signature_is_refused() -> None:
    text = raw_token(b"foo").rpartition(".")[0]
    key = signing_key("ES256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))

    assert refusal(f"{text}.{base64url.encode(der)}") == "bad_signature"


def test_message_never_repeats_the_token() -> None:
    with pytest.raises(InvalidToken) as refused:
        read(raw_token(b"foo", header=HEADER | {"alg": "evil-words"}))

    assert str(refused.value).startswith("wrong_algorithm: ")
    assert "evil" not in str(refused.value)
