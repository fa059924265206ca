"""Paths under ``/plans``."""

from django.urls import path

from portal.web.plans.asking import ask, withdraw
from portal.web.plans.catalogue import plans

urlpatterns = [
    path("plans", plans, name="plans"),
    path("plans/<slug:slug>/ask", ask, name="ask-for-plan"),
    path("plans/requests/<slug:id>/withdraw", withdraw, name="withdraw-plan-request"),
]
