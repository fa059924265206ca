"""Paths under ``/team``, and those of invitations."""

from django.urls import path

from portal.web.team.changes import hand_over, leave, one_member
from portal.web.team.invitations import invite_people, resend, withdraw
from portal.web.team.joining import invitation
from portal.web.team.members import team
from portal.web.team.removal import remove, rotate_known

urlpatterns = [
    path("team", team, name="team"),
    path("team/invite", invite_people, name="invite"),
    path("team/invitations/<slug:id>/resend", resend, name="resend-invitation"),
    path("team/invitations/<slug:id>/withdraw", withdraw, name="withdraw-invitation"),
    path("team/leave", leave, name="leave-team"),
    path("team/members/<slug:id>", one_member, name="member"),
    path("team/members/<slug:id>/remove", remove, name="remove-member"),
    path("team/members/<slug:id>/keys", rotate_known, name="known-keys"),
    path("team/members/<slug:id>/owner", hand_over, name="hand-over"),
    path("invitations/<str:token>", invitation, name="invitation"),
]
