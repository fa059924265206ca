"""Every route of the URLconf, as one flat list: for tests that must miss none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    """``path`` as the URLconf writes it, with its converters; ``name`` with its namespace."""

    path: str
    name: str
    view: Any


def every_route(urlconf: str | None = None) -> list[Route]:
    return list(_walk(get_resolver(urlconf), "", ""))


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLPattern):
            yield Route(path, f"{namespace}{pattern.name or ''}", pattern.callback)
        else:
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern, path, inner)
