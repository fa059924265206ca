"""Paths under ``/team``, and those of invitations."""

from django.urls import path

from portal.web.team.members import team

urlpatterns = [
    path("team", team, name="team"),
]
