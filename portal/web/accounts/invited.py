"""The handshake with invitations: a visitor who opened one may make the account that it is for.

The page of an invitation stores its public id, and the path to come back to, in the session.
"""

from django.http import HttpRequest

from portal.models import Invitation

INVITATION = "invitation"
INVITATION_PATH = "invitation_path"


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The open invitation whose link was opened in this browser."""
    public_id = request.session.get(INVITATION)
    if not public_id:
        return None
    return Invitation.objects.open().filter(public_id=public_id).first()


def take_invitation_path(request: HttpRequest) -> str | None:
    """Where the invitation is accepted, once: a later sign-in doesn't lead there again."""
    path: str | None = request.session.pop(INVITATION_PATH, None)
    return path
