"""``/verify`` behind the real server: heads that only a raw socket sends."""

import pytest

from tests.real.portal import Owner, Portal
from tests.real.test_hostile_requests import HEAD, status_of

ASK = b"GET /api/v1/verify HTTP/1.1\r\n" + HEAD


@pytest.fixture
def secret(portal: Portal, owner: Owner) -> bytes:
    return str(portal.issue(owner)["secret"]).encode()


def answered(portal: Portal, *authorization: bytes) -> int:
    lines = b"".join(b"Authorization: " + value + b"\r\n" for value in authorization)
    return status_of(portal, ASK + lines + b"\r\n")


def test_a_good_key_passes_whatever_spaces_stand_around_it(portal: Portal, secret: bytes) -> None:
    """Between scheme and token there may be several (RFC 9110 section 11.4); the rest is the server's."""
    assert answered(portal, b"Bearer " + secret) == 204
    assert answered(portal, b" bearer   " + secret + b" \t") == 204


@pytest.mark.parametrize(
    "form",
    [
        b"", b"Bearer", b"Bearer ", b"%s", b"Token %s", b"Bearer%s", b"Bearer\t%s", b"Bearer %s %s", b"Bearer %s,%s",
        b"Bearer \xff\xfe\x80", b"Bearer \xd0\xba\xd0\xbb\xd1\x8e\xd1\x87", b"Bearer %s\xa0", b"\xc2\xa0Bearer %s",
        b"Bearer " + b"a" * 25_000, b"Bearer " + b"." * 25_000,
    ],
    ids=lambda form: repr(form[:20]),
)  # fmt: skip
def test_a_malformed_authorization_is_401(portal: Portal, secret: bytes, form: bytes) -> None:
    assert answered(portal, form.replace(b"%s", secret)) == 401


@pytest.mark.parametrize(
    "form",
    [b"Bearer %s\x00", b"Bearer \x01%s", b"Bearer %s\x7f", b"Bearer\r\n %s", b"Bearer %s" + b"a" * 70_000],
    ids=lambda form: repr(form[:20]),
)
def test_what_is_no_http_is_refused_by_the_server(portal: Portal, secret: bytes, form: bytes) -> None:
    assert 400 <= answered(portal, form.replace(b"%s", secret)) < 500
    assert answered(portal, b"Bearer " + secret) == 204


def test_two_authorizations_are_none(portal: Portal, secret: bytes) -> None:
    """Which of them a gateway looked at, nobody knows."""
    good = b"Bearer " + secret
    for pair in ((good, b"Bearer no"), (b"Bearer no", good), (good, good), (good, b"Basic YTpi")):
        assert 400 <= answered(portal, *pair) < 500
