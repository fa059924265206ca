"""The paths of ``/api/v1``, without trailing slashes."""

from django.urls import path, re_path

from portal.api import (
    access_tokens,
    customers,
    docs,
    events,
    keys,
    members,
    operations,
    phone_tokens,
    plans,
    plugins,
    subscriptions,
    tokens,
)
from portal.api.problems import not_found

_one_customer = "customers/<slug:id>"

urlpatterns = [
    path("plans", plans.Plans.as_view()),
    path("plans/<slug:slug>", plans.OnePlan.as_view()),
    path("customers", customers.Customers.as_view()),
    path(_one_customer, customers.OneCustomer.as_view()),
    path(f"{_one_customer}/users", members.Members.as_view()),
    path(f"{_one_customer}/users/<slug:user>", members.OneMember.as_view()),
    path(f"{_one_customer}/subscriptions", subscriptions.Subscriptions.as_view()),
    path(f"{_one_customer}/provision", operations.Provision.as_view()),
    path("subscriptions/<slug:id>", subscriptions.OneSubscription.as_view()),
    path("keys", keys.Keys.as_view()),
    path("keys/<slug:id>", keys.OneKey.as_view()),
    path("keys/<slug:id>/reveal", keys.RevealKey.as_view()),
    path("keys/<slug:id>/rotate", keys.RotateKey.as_view()),
    path("keys/<slug:id>/revoke", keys.RevokeKey.as_view()),
    path("operations", operations.Operations.as_view()),
    path("operations/<slug:id>", operations.OneOperation.as_view()),
    path("operations/<slug:id>/retry", operations.RetryOperation.as_view()),
    path("operations/<slug:id>/cancel", operations.CancelOperation.as_view()),
    path("plugins", plugins.Plugins.as_view()),
    path("events", events.Events.as_view()),
    path("access-tokens", access_tokens.AccessTokens.as_view()),
    path("access-tokens/<slug:id>", access_tokens.OneAccessToken.as_view()),
    path("phone-tokens", phone_tokens.PhoneTokens.as_view()),
    path("introspect", tokens.Introspect.as_view()),
    path("revoke", tokens.Revoke.as_view()),
    path("verify", tokens.Verify.as_view()),
    path("schema", docs.Schema.as_view(), name="api-schema"),
    path("docs", docs.docs, name="api-docs"),
    re_path(r"", not_found),
]
