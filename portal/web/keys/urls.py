"""Paths under ``/keys``."""

from django.urls import path

from portal.web.keys.changes import revoke, rotate
from portal.web.keys.detail import one_key
from portal.web.keys.listing import key_list
from portal.web.keys.new import new_key
from portal.web.keys.secret import reveal

urlpatterns = [
    path("keys", key_list, name="keys"),
    path("keys/new", new_key, name="new-key"),
    path("keys/<slug:id>", one_key, name="key"),
    path("keys/<slug:id>/reveal", reveal, name="reveal-key"),
    path("keys/<slug:id>/rotate", rotate, name="rotate-key"),
    path("keys/<slug:id>/revoke", revoke, name="revoke-key"),
]
