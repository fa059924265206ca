"""Keys made here and keys that operators give."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.tokens.keys import signing_key
from tokens.jwk import (
    ALGORITHMS,
    ASYMMETRIC,
    HMAC,
    InvalidKey,
    PrivateKey,
    generate_private_key,
    load_key,
    thumbprint,
    to_pem,
)

LEAK = "CorrectHorseBatteryStaple"


def pem(key: PrivateKey | Ed448PrivateKey | dsa.DSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def private_key(algorithm: str) -> PrivateKey:
    key = signing_key(algorithm)
    assert not isinstance(key, bytes)
    return key


def test_there_are_thirteen_algorithms_ten_of_them_asymmetric() -> None:
    named = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512"
    assert " ".join(ALGORITHMS) == named
    assert len(ASYMMETRIC) == 10
    assert sorted(HMAC) == ["HS256", "HS384", "HS512"]
    assert set(ALGORITHMS) == ASYMMETRIC | HMAC


def test_generated_keys_have_the_size_and_curve_of_their_algorithm() -> None:
    made = {name: private_key(name) for name in ("RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA")}

    assert [made["RS256"].key_size, made["PS512"].key_size] == [2048, 2048]  # type: ignore[union-attr]
    assert [made[name].curve.name for name in ("ES256", "ES384", "ES512")] == [  # type: ignore[union-attr]
        "secp256r1",
        "secp384r1",
        "secp521r1",
    ]
    assert isinstance(made["EdDSA"], Ed25519PrivateKey)


def test_generated_keys_differ() -> None:
    assert thumbprint(generate_private_key("ES256")) != thumbprint(generate_private_key("ES256"))


@pytest.mark.parametrize("algorithm", ["HS256", "none", "", "rs256", "ES256K", LEAK])
def test_nothing_is_generated_for_secrets_and_unknown_algorithms(algorithm: str) -> None:
    with pytest.raises(InvalidKey) as refusal:
        generate_private_key(algorithm)

    assert LEAK not in str(refusal.value)


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_written_key_is_read_back(algorithm: str) -> None:
    key = private_key(algorithm)

    loaded = load_key(to_pem(key).decode(), algorithm)

    assert thumbprint(loaded) == thumbprint(key)


@pytest.mark.parametrize("line_end", ["\\n", "\\r\\n", "\r\n"])
def test_pem_may_have_escaped_line_ends(line_end: str) -> None:
    key = private_key("ES256")

    loaded = load_key("  " + to_pem(key).decode().replace("\n", line_end), "ES256")

    assert thumbprint(loaded) == thumbprint(key)


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_traditional_pem_is_read_too(algorithm: str) -> None:
    key = private_key(algorithm)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()

    assert thumbprint(load_key(text, algorithm)) == thumbprint(key)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("RS256", "ES256"), ("RS256", "EdDSA"), ("ES256", "RS256"), ("ES256", "ES384"), ("ES384", "ES512"),
        ("ES512", "ES256"), ("EdDSA", "ES256"), ("EdDSA", "PS256"),
    ],
)  # fmt: skip
def test_key_of_another_type_or_curve_is_refused(kind: str, algorithm: str) -> None:
    with pytest.raises(InvalidKey, match="does not fit"):
        load_key(to_pem(private_key(kind)).decode(), algorithm)


@pytest.mark.parametrize(
    ("key", "algorithm", "reason"),
    [
        (rsa.generate_private_key(65537, 1024), "RS256", "bits"),
        (rsa.generate_private_key(3, 2048), "RS256", "exponent"),
        (ec.generate_private_key(ec.SECP256K1()), "ES256", "does not fit"),
        (Ed448PrivateKey.generate(), "EdDSA", "neither"),
        (dsa.generate_private_key(1024), "RS256", "neither"),
    ],
    ids=["rsa1024", "rsa-e3", "secp256k1", "ed448", "dsa"],
)
def test_weak_and_foreign_keys_are_refused(key: PrivateKey, algorithm: str, reason: str) -> None:
    with pytest.raises(InvalidKey, match=reason):
        load_key(pem(key), algorithm)


def test_encrypted_pem_is_refused_saying_so() -> None:
    locked = private_key("ES256").private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    )

    with pytest.raises(InvalidKey, match="encrypted"):
        load_key(locked.decode(), "ES256")


def test_public_pem_is_no_signing_key() -> None:
    public = private_key("RS256").public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip

    with pytest.raises(InvalidKey, match="not a PEM private key"):
        load_key(public.decode(), "RS256")


@pytest.mark.parametrize(
    "text",
    ["", LEAK, f"-----BEGIN PRIVATE KEY-----\n{LEAK}\n-----END PRIVATE KEY-----", "ключ" + LEAK, LEAK * 9999,
     "\0" + LEAK, "\ud800" + LEAK],
)  # fmt: skip
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_garbage_is_refused_without_being_repeated(text: str, algorithm: str) -> None:
    with pytest.raises(InvalidKey) as refusal:
        load_key(text, algorithm)

    assert LEAK not in str(refusal.value)


@pytest.mark.parametrize(("algorithm", "length"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_shared_secret_is_at_least_as_long_as_the_hash(algorithm: str, length: int) -> None:
    assert load_key("s" * length, algorithm) == b"s" * length

    with pytest.raises(InvalidKey, match=f"shorter than {length} bytes"):
        load_key("s" * (length - 1), algorithm)


def test_shared_secret_counts_and_keeps_utf8_bytes() -> None:
    assert load_key("é" * 16, "HS256") == "é".encode() * 16
    assert load_key(" \\n" + "x" * 32, "HS256") == b" \\n" + b"x" * 32


def secret_lookalikes() -> dict[str, str]:
    key = private_key("RS256")
    public = key.public_key()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "public-pem": spki,
        "private-pem": to_pem(key).decode(),
        "escaped-pem": to_pem(key).decode().replace("\n", "\\n"),
        "cut-off-pem": spki[:200],
        "ssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
        "jwk": '{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}',
        "putty": "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
        "lone-surrogate": "\ud800" * 32,
    }


@pytest.mark.parametrize("kind", sorted(secret_lookalikes()))
def test_shared_secret_that_looks_like_a_key_is_refused(kind: str) -> None:
    with pytest.raises(InvalidKey):
        load_key(secret_lookalikes()[kind], "HS256")
