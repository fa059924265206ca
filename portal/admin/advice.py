"""What staff do about an operation, in a sentence: one place for lists, pages and the overview."""

from portal.admin.trouble import is_stuck
from portal.models import Operation

State = Operation.State

CONFIRM_ABSENT = "Retry, confirming that it is absent"
"""The button for those who looked at the provider."""

WAIT = "Nothing: it goes on by itself."
LOOK_AT_LOG = "Read the log under the operation's id, mend the cause, then press Retry."

WHILE_RETRYING = {
    "settling": "Nothing: an answer was lost, and the portal waits until that request can't take effect.",
    "internal_error": "Nothing yet: it is tried again by itself. The log has the error, under this "
    "operation's id.",
    "crashed": WAIT,
    "signing_key_changed": WAIT,
}
"""Error code → what to do while the portal goes on by itself."""

BY_CODE = {
    "outcome_unknown": "Look at the provider for this key or person. If nothing is there, press "
    f"“{CONFIRM_ABSENT}”.",
    "withdrawal_unsupported": f"Delete it at the provider if it is there, then press “{CONFIRM_ABSENT}”.",
    "crashed": "Find out why processes die (the log, memory), then press Retry.",
    "restored": "Press Cancel, which removes what it made since the backup, if anything. Then ask again.",
    "internal_error": LOOK_AT_LOG,
    "plugin_not_enabled": "Put the plugin back into PLUGIN_APIM_PROVIDER, restart the portal, then press "
    "Retry.",
    "revoke_unsupported": "Delete the credential at the provider by hand, then press "
    f"“{CONFIRM_ABSENT}”. The portal's own checks refuse the key already.",
    "user_gone": "Revoke the key: its user was deleted, so nobody could reveal it.",
    "no_signing_key": "Restart the portal, which makes a signing key, or set another PLUGIN_JWT_SECRET; "
    "then press Retry.",
    "invalid_scope": "Mend the scopes of the customer's plan, then issue another key.",
    "invalid_lifetime": "Issue another key with a lifetime between 1 second and 10 years.",
    "auth0_scope_missing": "Grant the permission to the portal's application in Auth0, then press Retry.",
    "auth0_lookup_not_permitted": "Look in Auth0's dashboard for an application of exactly that name, and "
    f"delete it if it is there; then press “{CONFIRM_ABSENT}”. Or grant read:clients and press Retry.",
    "auth0_revoke_not_permitted": "Delete that application in Auth0's dashboard, then press "
    f"“{CONFIRM_ABSENT}”. Or grant delete:clients and press Retry. Until then it goes on getting tokens.",
    "auth0_stray_application": "Delete that application in Auth0's dashboard, then press "
    f"“{CONFIRM_ABSENT}”: another is made.",
    "auth0_user_refused": "See that the connection PLUGIN_AUTH0_M2M_CONNECTION is a database of the tenant "
    "and takes new people, or name another and restart the portal; then press Retry.",
    "auth0_organization_taken": "Rename or delete that organization in Auth0, then press Retry.",
    "auth0_credentials_refused": "Compare PLUGIN_AUTH0_M2M_DOMAIN, _CLIENT_ID and _CLIENT_SECRET with the "
    "portal's application in Auth0; restart the portal when you changed them; then press Retry.",
    "auth0_token_refused": "See whether PLUGIN_AUTH0_M2M_DOMAIN is the tenant's own domain (a custom one "
    "doesn't serve the Management API), then press Retry.",
    "auth0_api_refused": "See that the API in Auth0 has the identifier PLUGIN_AUTH0_M2M_API_AUDIENCE and "
    "every permission in _API_SCOPE, then press Retry.",
    "auth0_limit_reached": "Delete in Auth0 what nobody needs, or change the tenant's plan, then press "
    "Retry.",
    "auth0_forbidden": "Look at the tenant's log in Auth0 (Monitoring), mend it there, then press Retry.",
    "auth0_refused": "Look at the tenant's log in Auth0 (Monitoring) and mend what it says, then ask for it "
    "again.",
    "auth0_scope_not_offered": "Take the scope out of the customer's plan, or add it to "
    "PLUGIN_AUTH0_M2M_API_SCOPE and restart the portal; then issue another key.",
    "auth0_organization_full": "Revoke keys of the customer that nobody needs, then issue another one.",
    "auth0_organization_gone": "Issue another key: a new organization is made.",
}
"""Error code → what to do once it has stopped. What isn't here goes by the state."""

_BY_STATE = {
    State.QUEUED: "Nothing: a worker takes it up.",
    State.RUNNING: "Nothing: a worker is at it.",
    State.RETRYING: "Nothing yet: it is tried again by itself. If it goes on failing, look at the provider.",
    State.NEEDS_ATTENTION: "Mend what the error says, at the provider or in the plugin's settings; then "
    "press Retry. Nothing is made twice.",
    State.FAILED: "Mend what the error says, then ask for it again. Nothing exists at the provider.",
    State.CANCELLED: "Nothing: a key that it had made is removed from the provider.",
    State.SUCCEEDED: "",
}


def asks_to_confirm(operation: Operation) -> bool:
    """Whether it goes on once a person has looked at the provider and says that nothing is there."""
    if operation.state not in (State.NEEDS_ATTENTION, State.RETRYING):
        return False
    return operation.error_code == "outcome_unknown" or "confirm_absent" in operation.error_detail


def advice(operation: Operation) -> str:
    """What to do about it; empty when it went well."""
    state = State(operation.state)
    if is_stuck(operation):
        return "No worker takes it up: see on the overview whether one is running."
    if operation.cancel_requested and state in Operation.OPEN:
        return "Nothing: what it created is being removed; then it ends as cancelled."
    if state == State.RETRYING:
        return WHILE_RETRYING.get(operation.error_code, _BY_STATE[state])
    if state in (State.NEEDS_ATTENTION, State.FAILED):
        told = BY_CODE.get(operation.error_code, _BY_STATE[state])
        if state == State.FAILED or operation.run_after is None:
            return told
        if operation.only_removes:
            return f"{told} It is tried again every hour all the same."
        return f"It has failed for a day and is still tried again. {told}"
    return _BY_STATE[state]
