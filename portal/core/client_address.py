"""Whose request it is, by network address: the only place that reads ``X-Forwarded-For``."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

NOBODY = IPv4Address(0)


def client_address(meta: Mapping[str, Any]) -> str:
    """The caller's IP address as text; ``0.0.0.0`` when nobody is named, as on a Unix socket.

    With ``PORTAL_TRUSTED_PROXIES`` at n it is the n-th entry of ``X-Forwarded-For`` from its end: what the
    outermost proxy of ours saw. Entries before it are the caller's own words. A request without that
    entry came around the proxies and counts as its sender's.
    """
    peer = _address(str(meta.get("REMOTE_ADDR", "")))
    entries = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    count = settings.TRUSTED_PROXIES
    forwarded = _address(entries[-count]) if 0 < count <= len(entries) else None
    return str(forwarded or peer or NOBODY)


def hides_its_sender(meta: Mapping[str, Any]) -> bool:
    """Whether what proxies of ours said of the sender was made unreadable.

    Granian hands over nothing of a line with other characters than ASCII. A caller who sends one hides
    what proxies append to it, and would count as the proxy, or as an entry of his own before it.
    """
    forwarded, count = meta.get("HTTP_X_FORWARDED_FOR"), settings.TRUSTED_PROXIES
    if forwarded is None or not count:
        return False
    return not all(entry.strip() for entry in str(forwarded).split(",")[-count:])


def network_of(address: str) -> str:
    """What limits count as one caller: an IPv4 address, or the /64 that an IPv6 subscriber has alone."""
    if ":" not in address:
        return address
    return str(ip_network((address, 64), strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address with or without a port, brackets or zone; IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
