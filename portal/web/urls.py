"""The customers' pages."""

from django.urls import include, path

from portal.web.dashboard.page import dashboard
from portal.web.docs.views import docs, docs_page
from portal.web.landing import landing
from portal.web.onboarding import welcome

urlpatterns = [
    path("", landing, name="home"),
    path("welcome", welcome, name="welcome"),
    path("dashboard", dashboard, name="dashboard"),
    path("", include("portal.web.keys.urls")),
    path("", include("portal.web.team.urls")),
    path("", include("portal.web.plans.urls")),
    path("", include("portal.web.activity.urls")),
    path("docs", docs, name="docs"),
    path("docs/<slug:page>", docs_page, name="docs-page"),
    path("", include("portal.web.settings.urls")),
]
