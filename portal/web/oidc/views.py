"""Leaving for the provider and coming back from it; whatever goes wrong there ends on a page of ours."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

import structlog
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException

from portal.web.oidc.provider import OIDCAdapter

log = structlog.get_logger("portal.oidc")
_FAULTS = (OAuth2Error, RequestException, KeyError, TypeError, ValueError, IntegrityError)
"""Of a provider that is away or answers nonsense; and of the same person coming back twice at once."""
View = Callable[[HttpRequest, str], HttpResponse]


def _survives_the_provider(view: View) -> View:
    @wraps(view)
    def careful(request: HttpRequest, provider_id: str) -> HttpResponse:
        try:
            return view(request, provider_id)
        except SocialApp.DoesNotExist as exc:
            raise Http404 from exc
        except _FAULTS as exc:
            log.warning("oidc.failed", provider=provider_id, error=type(exc).__name__)
            provider = OIDCAdapter(request, provider_id).get_provider()
            answer: HttpResponse = render_authentication_error(request, provider, exception=exc)
            return answer

    return careful


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_survives_the_provider
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    answer: HttpResponse = OAuth2LoginView.adapter_view(OIDCAdapter(request, provider_id))(request)
    target = answer.headers.get("Location", "")
    if not target or _is_form_action(target):
        return answer
    # Browsers hold redirects after a form against form-action: a page in between is a link instead.
    return render(request, "socialaccount/login_redirect.html", {"redirect_to": target})


def _is_form_action(target: str) -> bool:
    parts = urlsplit(target)
    origins = [provider.origin for provider in settings.IDENTITY_PROVIDERS]
    return not parts.netloc or f"{parts.scheme}://{parts.netloc}" in origins


@never_cache
@require_safe
@_survives_the_provider
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    answer: HttpResponse = OAuth2CallbackView.adapter_view(OIDCAdapter(request, provider_id))(request)
    return answer
