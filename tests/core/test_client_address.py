"""Whose request it is: only what proxies of ours said is believed."""

from typing import Any

import pytest

from portal.core.client_address import client_address, hides_its_sender, network_of

PEER = "203.0.113.9"


def address(forwarded: str | None = None, peer: str = PEER) -> str:
    return client_address(
        {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    )


def test_without_proxies_the_header_is_the_callers_own_words() -> None:
    assert address("198.51.100.1") == address() == PEER


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        (2, "1.2.3.4, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", PEER),  # around one of the two
        (1, None, PEER),
        (1, "", PEER),
        (1, "1.2.3.4, unknown", PEER),
        (1, "198.51.100.1:4711", "198.51.100.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "::ffff:198.51.100.1", "198.51.100.1"),
        (1, "1.2.3.4,", PEER),
        (1, "x" * 9000, PEER),
    ],
)
def test_the_entry_of_our_outermost_proxy_counts(
    settings: Any, proxies: int, forwarded: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert address(forwarded) == expected


@pytest.mark.parametrize(
    ("proxies", "forwarded", "hidden"),
    [
        (0, "", False), (1, None, False), (2, None, False), (1, "198.51.100.1", False),
        (1, ",198.51.100.1", False), (2, ",198.51.100.1,10.0.0.1", False), (2, "198.51.100.1", False),
        (1, "", True), (1, "1.2.3.4,", True), (1, "1.2.3.4, ", True), (2, "", True),
        (2, "1.2.3.4, 5.6.7.8,", True), (2, "1.2.3.4,,10.0.0.1", True),
    ],
)  # fmt: skip
def test_whoever_made_our_proxies_words_unreadable_is_seen(
    settings: Any, proxies: int, forwarded: str | None, hidden: bool
) -> None:
    """Granian leaves nothing of a line that isn't ASCII."""
    settings.TRUSTED_PROXIES = proxies
    assert hides_its_sender({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}) is hidden


def test_a_peer_without_address_is_nobody() -> None:
    assert address(peer="") == "0.0.0.0"


def test_limits_count_a_subscribers_whole_network() -> None:
    assert (
        network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    )
    assert network_of(PEER) == PEER
