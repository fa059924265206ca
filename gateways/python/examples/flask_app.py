"""An API in Flask that answers customers with a key alone: ``flask --app flask_app run``."""

from flask import Flask, request
from flask.typing import ResponseReturnValue
from latchkey_verifier import PortalVerifier, Refused, key_checker

CHECKER = key_checker(
    portal="https://portal.example.com/",
    issuer="https://portal.example.com",
    audience="https://api.example.com",
    customer_claim="org_id",
)
app, keys = Flask(__name__), PortalVerifier(CHECKER)


@app.errorhandler(Refused)
def refused(reason: Refused) -> ResponseReturnValue:
    return reason.body, reason.status, reason.headers


@app.get("/orders")
def orders() -> ResponseReturnValue:
    key = keys.key(request.headers.get("Authorization"), "orders:read")
    return {"customer": key.customer, "user": key.user}
