"""The customers' pages."""

from django.urls import include, path

from portal.web.activity import activity
from portal.web.dashboard import dashboard
from portal.web.docs import docs
from portal.web.landing import landing
from portal.web.plans import plans

urlpatterns = [
    path("", landing, name="home"),
    path("dashboard", dashboard, name="dashboard"),
    path("", include("portal.web.keys.urls")),
    path("", include("portal.web.team.urls")),
    path("plans", plans, name="plans"),
    path("activity", activity, name="activity"),
    path("docs", docs, name="docs"),
    path("", include("portal.web.settings.urls")),
]
