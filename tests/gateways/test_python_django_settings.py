"""What Django and DRF make of settings, refusals and a second portal, in this process."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.utils.decorators import method_decorator
from django.views import View
from latchkey_verifier import PortalVerifier
from latchkey_verifier.apps import LatchkeyVerifierConfig
from latchkey_verifier.django import key_middleware, portal_verifier, require_key
from latchkey_verifier.drf import HasScopes, KeyAuthentication, KeyUser
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView, exception_handler

from tests.gateways.test_python_verifier import key, verifier
from tests.tokens.portal import Portal

SETTING = {"PORTAL": "https://portal.example", "AUDIENCE": "https://api.example"}


def with_key(text: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {text}"}


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        (None, "LATCHKEY is missing"),
        ("https://portal.example", "LATCHKEY is missing"),
        ({}, 'LATCHKEY["PORTAL"] is missing'),
        ({"AUDIENCE": "a"}, 'LATCHKEY["PORTAL"] is missing'),
        (SETTING | {"PORTAL": "http://portal.example"}, 'LATCHKEY["PORTAL"]: '),
        (SETTING | {"PORTAL": 7}, 'LATCHKEY["PORTAL"] is empty or no str'),
        (SETTING | {"AUDIENCE": ""}, 'LATCHKEY["AUDIENCE"] is empty'),
        (SETTING | {"AUDIENCE": None}, 'LATCHKEY["AUDIENCE"] is empty or no str'),
        (SETTING | {"AUDIENCE": []}, 'LATCHKEY["AUDIENCE"] is empty'),
        (SETTING | {"STATUS_LISTS": "off"}, 'LATCHKEY["STATUS_LISTS"] is empty or no bool'),
        (SETTING | {"LEEWAY": 5}, 'LATCHKEY["LEEWAY"] is empty or no timedelta'),
        (SETTING | {"JWKS_URL": "x"}, "LATCHKEY has no 'JWKS_URL'"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_start_by_name(setting: Any, named: str) -> None:
    with override_settings(LATCHKEY=setting), pytest.raises(ImproperlyConfigured) as refused:
        LatchkeyVerifierConfig.create("latchkey_verifier").ready()
    assert str(refused.value).startswith(named)


def test_the_settings_make_one_verifier() -> None:
    with override_settings(LATCHKEY=SETTING):
        assert portal_verifier() is portal_verifier()
        first = portal_verifier()
    with override_settings(LATCHKEY=SETTING | {"CUSTOMER_CLAIM": "company"}):
        assert portal_verifier() is not first


def test_the_app_needs_no_other() -> None:
    assert not apps.is_installed("latchkey_verifier")  # and yet all tests here pass


def view(keys: PortalVerifier, *scopes: str) -> Callable[..., HttpResponse]:
    @require_key(*scopes, verifier=keys)
    def answer(request: Any) -> HttpResponse:
        return HttpResponse(request.latchkey_key.customer)

    return answer


def test_an_outage_is_503_in_django() -> None:
    portal = Portal()
    portal.away = True
    answer = view(verifier(portal))(RequestFactory().get("/", **with_key(key())))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_class_can_ask_for_a_key() -> None:
    @method_decorator(require_key("orders:read", verifier=verifier(Portal())), name="dispatch")
    class Orders(View):
        def post(self, request: Any) -> HttpResponse:
            return HttpResponse(request.latchkey_key.customer)

    answer = Orders.as_view()
    assert answer(RequestFactory().post("/", **with_key(key()))).content == b"acme-1042"
    assert answer(RequestFactory().post("/")).status_code == 401
    assert answer.csrf_exempt  # type: ignore[attr-defined]


def test_an_async_view_stays_one() -> None:
    @require_key("orders:read", verifier=verifier(Portal()))
    async def orders(request: Any) -> HttpResponse:
        return HttpResponse(request.latchkey_key.customer)

    assert asyncio.iscoroutinefunction(orders)
    called = asyncio.run(orders(AsyncRequestFactory().get("/", headers={"Authorization": f"Bearer {key()}"})))
    assert called.content == b"acme-1042"


def test_each_portal_has_its_own_keys() -> None:
    request = RequestFactory().get("/", **with_key(key()))
    assert view(verifier(Portal("ES256")))(request).status_code == 200
    assert view(verifier(Portal("RS256")))(request).status_code == 401


def test_the_middleware_looks_nothing_up_before_it_is_asked() -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    with override_settings(LATCHKEY=None):  # would raise
        assert key_middleware(answer)(RequestFactory().get("/", **with_key("x"))).status_code == 200


# Django REST framework


def call(
    keys: PortalVerifier,
    header: str | None,
    *,
    permissions: Any = (HasScopes,),
    others: Any = (),
    **members: Any,
) -> Any:
    authentication = type("Keys", (KeyAuthentication,), {"verifier": keys})

    class Orders(APIView):
        authentication_classes = [authentication, *others]
        permission_classes = permissions

        def get_exception_handler(self) -> Any:
            return exception_handler  # not the portal's

        def get(self, request: Request) -> Response:
            user = request.user
            return Response({"key": isinstance(user, KeyUser), "pk": user and user.pk, "name": str(user)})

    for name, value in ({"required_scopes": ["orders:read"]} | members).items():
        setattr(Orders, name, value)
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return Orders.as_view()(APIRequestFactory().get("/", **headers))


def test_drf_knows_who_calls() -> None:
    answer = call(verifier(Portal()), f"bearer {key()}", permissions=(IsAuthenticated & HasScopes,))
    assert (answer.status_code, answer.data) == (200, {"key": True, "pk": "usr_1", "name": "usr_1"})


def test_an_outage_is_503_in_drf() -> None:
    portal = Portal()
    portal.away = True
    answer = call(verifier(portal), f"Bearer {key()}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.data == {"detail": "The key can't be checked at the moment."}


@pytest.mark.parametrize("header", [None, "", "Basic x", "Basic x, Bearer {}", "Token {}"])
def test_what_is_no_bearer_is_left_to_others_but_not_let_in(header: str | None) -> None:
    answer = call(verifier(Portal()), header and header.replace("{}", key()))
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_bad_key_is_refused_even_where_none_is_needed() -> None:
    assert call(verifier(Portal()), "Bearer x.y.z", permissions=()).status_code == 401


def test_other_authentications_stand_beside_keys() -> None:
    answer = call(verifier(Portal()), "Basic !", others=(BasicAuthentication,))
    assert answer.data["detail"].startswith("Invalid basic header")


def test_a_customers_key_is_never_staff() -> None:
    assert call(verifier(Portal()), f"Bearer {key()}", permissions=(IsAdminUser,)).status_code == 403


@pytest.mark.parametrize("scopes", ["orders:read", None, 7])
def test_a_view_that_names_no_list_of_scopes_lets_nobody_in(scopes: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Orders\.required_scopes"):
        call(verifier(Portal()), f"Bearer {key()}", required_scopes=scopes)


def test_no_scope_needed_is_a_key_alone() -> None:
    assert call(verifier(Portal()), f"Bearer {key(scope='')}", required_scopes=[]).status_code == 200
    assert call(verifier(Portal()), None, required_scopes=[]).status_code == 401


def test_throttles_count_by_user() -> None:
    class Once(UserRateThrottle):
        rate = "1/day"
        scope = "once"
        cache = LocMemCache("throttles", {})

    keys = verifier(Portal())
    calls = [
        call(keys, f"Bearer {key(sub=user)}", throttle_classes=[Once]) for user in ("usr_a", "usr_a", "usr_b")
    ]
    assert [answer.status_code for answer in calls] == [200, 429, 200]
