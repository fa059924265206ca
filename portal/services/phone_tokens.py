"""Phone tokens: a record is stored, or no token leaves."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, connection, transaction

from portal.core.actor import Actor
from portal.core.client_address import network_of
from portal.core.clock import now
from portal.core.errors import Conflict, PortalError, TooMany
from portal.core.fingerprints import fingerprint
from portal.core.keyed_hashes import keyed_hash, keyed_hashes
from portal.core.phone_numbers import PhoneNumber
from portal.core.sealing import seal
from portal.core.token_service import TokenService
from portal.models import PhoneToken
from portal.models.phone_token import PHONE
from portal.services.admissions import Subject, admit, admit_all
from portal.services.audit import Action, record
from portal.services.group_commit import GroupCommit
from provisioning.secret import Secret
from tokens.sign import sign

BACKDATED = timedelta(seconds=10)
"""``iat`` lies so far back: a verifier's clock may be behind ours."""
LIFETIME = timedelta(seconds=90)
MOST_TOGETHER = 64
"""Requests that share a transaction when they come at once."""
TRIES = 3
"""Two requests that begin one transaction at once: the second looks again, once it sees the first."""

_LAST = """
    SELECT column1,
      (SELECT ordinal FROM {table} WHERE xid = column1 ORDER BY ordinal DESC LIMIT 1),
      (SELECT phone_hash FROM {table} WHERE xid = column1 ORDER BY ordinal DESC LIMIT 1)
    FROM (VALUES {xids}) AS wanted
"""


@dataclass(frozen=True)
class NewToken:
    text: Secret
    xid: str


@dataclass(frozen=True)
class Request:
    """Who asks for which number; ``address`` is the caller's, ``xid`` None when one is to be made."""

    number: PhoneNumber
    xid: str | None
    address: str


def issue_phone_token(service: TokenService, request: Request) -> NewToken:
    """Count the request, store its record, return the token. Committed before it returns.

    Raises ``TooMany`` when a limit is used up, which counts nothing, and ``Conflict`` when the xid is
    another number's transaction, which counts: xids can't be tried out.
    """
    outcome = _issue_together((service, request))
    if isinstance(outcome, PortalError):
        raise outcome
    return outcome


def _issue_all(asked: Sequence[tuple[TokenService, Request]]) -> list[NewToken | PortalError]:
    """For each what came of it, committed."""
    for _ in range(TRIES - 1):
        with suppress(IntegrityError), transaction.atomic(durable=True):
            return _issued(asked)
    with transaction.atomic(durable=True):
        return _issued(asked)


_issue_together = GroupCommit(_issue_all, most=MOST_TOGETHER)


def _issued(asked: Sequence[tuple[TokenService, Request]]) -> list[NewToken | PortalError]:
    refused = admit_all([_subjects(service, request) for service, request in asked])
    if all(refused):
        transaction.set_rollback(True)  # nothing to keep: a flood of refusals costs no commits
    outcomes: dict[int, NewToken | PortalError] = {
        place: _too_many(waits) for place, waits in enumerate(refused) if waits
    }
    # In one order, as for subjects: a transaction's first record is another process's second.
    admitted = sorted(set(range(len(asked))) - set(outcomes), key=lambda place: asked[place][1].xid or "")
    for place, token in zip(admitted, record_phone_tokens([asked[place] for place in admitted]), strict=True):
        outcomes[place] = token or _taken()
    return [outcomes[place] for place in range(len(asked))]


def check_phone_token(service: TokenService, request: Request) -> None:
    """The same verdict, counted alike, with nothing made or stored."""
    with transaction.atomic(durable=True):
        if waits := admit(_subjects(service, request)):
            raise _too_many(waits)
        last = _last_of([request.xid] if request.xid else []).get(request.xid or "")
    if last is not None and not last.is_of(request.number):
        raise _taken()


def show_numbers(actor: Actor, tokens: Sequence[PhoneToken]) -> None:
    """Note that the actor sees these records' numbers in full."""
    if not tokens:
        return
    with transaction.atomic():
        record(actor, Action.PHONE_NUMBERS_SHOWN, "phone tokens", records=[token.pk for token in tokens])


def _subjects(service: TokenService, request: Request) -> tuple[Subject, Subject]:
    return (
        Subject(f"address:{keyed_hash('limit', network_of(request.address))}", service.address_limit),
        Subject(f"phone:{keyed_hash('limit', request.number.e164)}", service.phone_limit),
    )


def _too_many(waits: Mapping[Subject, timedelta]) -> TooMany:
    longest = max(waits.values())
    if any(subject.name.startswith("address:") for subject in waits):
        return TooMany(
            "too_many_requests",
            "Too many requests from this address. Nothing was issued; ask again after Retry-After seconds.",
            retry_after=longest,
        )
    return TooMany(
        "too_many_for_number",
        "Too many requests for this number. Nothing was issued; ask again after Retry-After seconds.",
        retry_after=longest,
    )


@dataclass(frozen=True)
class _Last:
    """The newest record of a transaction."""

    ordinal: int
    phone_hash: str

    def is_of(self, number: PhoneNumber) -> bool:
        return self.phone_hash in keyed_hashes(PHONE, number.e164)


def record_phone_tokens(asked: Sequence[tuple[TokenService, Request]]) -> list[NewToken | None]:
    """New tokens, their records stored; None where the xid is another number's transaction.

    Counts nothing, and commits with the caller's transaction: whoever answers a request issues.
    """
    lasts = _last_of([request.xid for _, request in asked if request.xid])
    records: list[PhoneToken] = []
    tokens: list[NewToken | None] = []
    for service, request in asked:
        xid = request.xid or str(uuid.uuid4())
        last = lasts.get(xid)
        if last is not None and not last.is_of(request.number):
            tokens.append(None)
            continue
        text, row = _minted(service, request, xid, ordinal=last.ordinal + 1 if last else 1)
        lasts[xid] = _Last(row.ordinal, row.phone_hash)
        records.append(row)
        tokens.append(NewToken(text, xid))
    PhoneToken.objects.bulk_create(records)
    return tokens


def _minted(service: TokenService, request: Request, xid: str, *, ordinal: int) -> tuple[Secret, PhoneToken]:
    issued_at = now().replace(microsecond=0) - BACKDATED
    expires_at = issued_at + LIFETIME
    claims = {
        "iss": service.issuer,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "phn": request.number.written,
        "xid": xid,
    }
    text = Secret(sign(claims, key=service.key, algorithm="HS256"))
    return text, PhoneToken(
        xid=xid,
        ordinal=ordinal,
        phone_hash=keyed_hash(PHONE, request.number.e164),
        sealed_number=seal(Secret(request.number.e164)),
        issued_at=issued_at,
        expires_at=expires_at,
        fingerprint=fingerprint(text),
        client_hash=keyed_hash("client address", request.address),
    )


def _last_of(xids: Sequence[str]) -> dict[str, _Last]:
    if not xids:
        return {}
    marks = ", ".join(["(%s)"] * len(xids))
    with connection.cursor() as cursor:
        cursor.execute(_LAST.format(table=PhoneToken._meta.db_table, xids=marks), list(xids))
        return {xid: _Last(ordinal, hash) for xid, ordinal, hash in cursor.fetchall() if ordinal is not None}


def _taken() -> Conflict:
    return Conflict(
        "xid_taken",
        "This xid is the transaction of another number. Nothing was issued; use another xid, or none.",
    )
