"""An API in FastAPI that answers customers with a key alone: ``fastapi dev fastapi_app.py``."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from latchkey_verifier import CheckedKey, PortalVerifier, Refused, key_checker

CHECKER = key_checker(
    portal="https://portal.example.com/",
    issuer="https://portal.example.com",
    audience="https://api.example.com",
    customer_claim="org_id",
)
app, keys = FastAPI(), PortalVerifier(CHECKER)


@app.exception_handler(Refused)
def refused(request: Request, reason: Refused) -> Response:
    return Response(reason.body, reason.status, reason.headers)


def reader(request: Request) -> CheckedKey:  # not async: FastAPI runs it in a thread, so it may wait
    return keys.key(", ".join(request.headers.getlist("Authorization")), "orders:read")


@app.get("/orders")
def orders(key: Annotated[CheckedKey, Depends(reader)]) -> dict[str, str]:
    return {"customer": key.customer, "user": key.user}
