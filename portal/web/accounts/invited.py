"""The handshake with invitations: a visitor who opened one may make the account that it is for.

The page of an invitation notes in the session which one it was, never its link: that is a credential.
"""

from urllib.parse import urlsplit

from django.http import HttpRequest

from portal.models import Invitation
from portal.models.invitation import InvitationQuerySet
from portal.services.invitations import invitation_link

INVITATION = "invitation"
"""Its public id, and the version that the link was made for: it ends with the link."""


def note_invitation(request: HttpRequest, invitation: Invitation) -> None:
    """The link of that invitation, as it is now, was opened in this browser."""
    request.session[INVITATION] = [invitation.public_id, invitation.version]


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The open invitation whose present link was opened in this browser."""
    return _opened(request, Invitation.objects.open())


def take_invitation_path(request: HttpRequest) -> str | None:
    """Where the invitation is accepted, once: a later sign-in doesn't lead there again."""
    invitation = _opened(request, Invitation.objects.all())
    request.session.pop(INVITATION, None)
    return urlsplit(invitation_link(invitation)).path if invitation is not None else None


def _opened(request: HttpRequest, among: InvitationQuerySet) -> Invitation | None:
    public_id, version = request.session.get(INVITATION, ("", 0))
    return among.filter(public_id=public_id, version=version).first() if public_id else None
