"""Prints the figures: ``python -m bench [NAME …]``; unnamed, all but ``admin`` and ``phone-token-scale``."""

import sys

from bench import (
    admin,
    auth0,
    authorizer,
    engine,
    jwks,
    keys,
    pages,
    phone_token_scale,
    phone_tokens,
    status_lists,
    verify,
)

EACH_DATABASE = {
    "keys": keys.main,
    "verify": verify.main,
    "status-lists": status_lists.main,
    "engine": engine.main,
    "auth0": auth0.main,
    "pages": pages.main,
    "phone-tokens": phone_tokens.main,
    "phone-token-scale": phone_token_scale.main,
}
ONCE = {"jwks": jwks.main, "authorizer": authorizer.main, "admin": admin.main}
USUAL = ("jwks", "authorizer", "keys", "verify", "status-lists", "engine", "auth0", "pages", "phone-tokens")


def main(names: list[str]) -> None:
    unknown = set(names) - {*ONCE, *EACH_DATABASE}
    if unknown:
        raise SystemExit(
            f"unknown: {' '.join(sorted(unknown))}; there are {' '.join([*ONCE, *EACH_DATABASE])}"
        )
    for name in names or USUAL:
        if name in ONCE:
            ONCE[name]()
            continue
        for kind in ("sqlite", "postgresql"):
            try:
                EACH_DATABASE[name](kind)
            except OSError as exc:
                print(f"{name} on {kind}: skipped, {type(exc).__name__}")
    if not names:
        print(
            "Not run: python -m bench admin, a million customers on PostgreSQL (20 GB, 15 minutes),\n"
            "nor phone-token-scale, ten million phone tokens on each database (6 GB, 15 minutes)."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
