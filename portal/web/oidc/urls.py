"""Found by allauth, below ``/accounts/``."""

from django.urls import path

from portal.web.oidc.views import callback, login

urlpatterns = [
    path("oidc/<slug:provider_id>/login/", login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", callback, name="openid_connect_callback"),
]
