"""What the portal's own application may do at Auth0, and what it costs when it may not."""

from collections.abc import Iterator

from provisioning.contract import Problem

NEEDED = {
    "read:users": "people can't be looked up, so nobody can be provisioned",
    "create:users": "people that Auth0 doesn't know yet can't be provisioned",
    "update:users": "Auth0 can't be told which customer people are of, so nobody can be provisioned",
    "read:organizations": "customers' organizations can't be looked up, so nobody can be provisioned",
    "create:organizations": "customers without an organization get no key",
    "create:organization_members": "people can't join their organization, so nobody can be provisioned",
    "create:clients": "no key can be created",
    "create:client_grants": "no key can be created",
    "create:organization_client_grants": "no key can be created",
}
"""What can't be done without."""
UNUSED = {"update:organizations": "nothing is lost at present; the guide for such applications lists it"}
"""The tenth of the seed's."""
OPTIONAL = {
    "read:clients": "an application whose creation was not answered can't be looked up, so a person has to, "
    "and reconcile can't compare",
    "delete:clients": "revoking, the end of a rotation and removing what was half made stop until a person "
    "deletes the application in Auth0",
    "update:client_keys": "a secret that got lost on its way can't be replaced: the application is deleted "
    "and made anew, or waits for a person",
    "read:client_grants": "a grant whose creation was not answered can't be looked up, so a person has to "
    "delete its application",
}


def missing(granted: frozenset[str]) -> Iterator[Problem]:
    """A problem for each permission that isn't granted; what is optional only limits."""
    for scopes, optional in ((NEEDED, False), (UNUSED, True), (OPTIONAL, True)):
        for scope, price in scopes.items():
            if scope not in granted:
                told = f"The permission {scope} on the Auth0 Management API is missing: {price}."
                yield Problem("auth0_scope_missing", told, optional=optional)
