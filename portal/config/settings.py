"""Django's settings, all of them from the environment (INTERFACE: docs/configuration.md)."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from portal.config import api
from portal.config.accounts import *  # noqa: F403  # they are settings, too
from portal.config.databases import database_from
from portal.config.env import EMAIL_OR_NONE, SENDER, Env, development_secret
from portal.config.identity_providers import identity_providers
from portal.config.logging import logging_config
from portal.config.token_service import token_service
from portal.core.problems import LARGEST_BODY
from provisioning.config import ConfigError

TAKEN_PATHS = {
    "accounts", "activity", "api", "branding", "dashboard", "docs", "goodbye", "healthz", "invitations",
    "keys", "language", "metrics", "plans", "readyz", "settings", "static", "team", "v1", "welcome",
}  # fmt: skip
"""First parts of paths that are pages, the API or files: the admin can't be there."""

BASE_DIR = Path(__file__).resolve().parents[2]
environ.Env.read_env(BASE_DIR / ".env")
env = Env(os.environ)

# What the portal makes for itself: collected static files, counters, development's secrets and database.
VAR = Path(env.text("PORTAL_VAR") or BASE_DIR / "var")
if not VAR.is_absolute():
    raise ConfigError("PORTAL_VAR", "must be an absolute path")
METRICS = VAR / "metrics"

PORTAL_ENV = env.choice("PORTAL_ENV", ("production", "development"), "production")
DEVELOPMENT = PORTAL_ENV == "development"
DEBUG = env.flag("DEBUG")
if DEBUG and not DEVELOPMENT:
    raise ConfigError("DEBUG", "must be off in production")

# The public origin. Never taken from a request.
PORT = env.number("PORT", 8000, least=1, most=65535)
PORTAL_BASE_URL = env.origin("PORTAL_BASE_URL", f"http://127.0.0.1:{PORT}" if DEVELOPMENT else "")
_base = urlsplit(PORTAL_BASE_URL)
SECURE = _base.scheme == "https"
if not SECURE and not DEVELOPMENT:
    raise ConfigError("PORTAL_BASE_URL", "must be https in production")

# Secrets
SECRET_KEY = env.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = list(env.secrets("SECRET_KEY_FALLBACKS", least=32))
SEALING_KEYS = env.secrets("PORTAL_SEALING_KEYS", least=32)
if DEVELOPMENT:
    SECRET_KEY = SECRET_KEY or development_secret(VAR, "secret_key", secrets.token_urlsafe(48))
    SEALING_KEYS = SEALING_KEYS or (development_secret(VAR, "sealing_key", secrets.token_urlsafe(32)),)
if len(SECRET_KEY) < 32:
    raise ConfigError("SECRET_KEY", "is missing or shorter than 32 characters")
if not SEALING_KEYS:
    raise ConfigError("PORTAL_SEALING_KEYS", "is missing: give at least one key of 32 characters")
if SECRET_KEY in SEALING_KEYS:
    raise ConfigError("PORTAL_SEALING_KEYS", "must differ from SECRET_KEY")

# Hosts, proxies, cookies
_local = ["127.0.0.1", "localhost", "[::1]"] if DEVELOPMENT else []
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [_base.hostname or "", *_local]
if "*" in ALLOWED_HOSTS and not DEVELOPMENT:
    raise ConfigError("ALLOWED_HOSTS", "must not be * in production")
_port = f":{_base.port}" if _base.port else ""
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS") or [
    PORTAL_BASE_URL, *(f"http://{host}{_port}" for host in _local)
]  # fmt: skip
if any("://" not in origin for origin in CSRF_TRUSTED_ORIGINS):
    raise ConfigError("CSRF_TRUSTED_ORIGINS", "each entry needs a scheme, such as https://example.com")
TRUSTED_PROXIES = env.number("PORTAL_TRUSTED_PROXIES", 0, most=16)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
# __Host-: no other host of the domain can set it (RFC 6265bis 4.1.3.2); only with https.
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failed"
# Without a proxy of ours every request looks like plain HTTP: redirecting would answer nothing else.
SECURE_SSL_REDIRECT = SECURE and TRUSTED_PROXIES > 0
SILENCED_SYSTEM_CHECKS = [] if TRUSTED_PROXIES else ["security.W008"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE

# Branding, sign-up
PORTAL_NAME = env.text("PORTAL_NAME", "Latchkey")
PORTAL_LOGO_URL = env.url("PORTAL_LOGO_URL")
PORTAL_ACCENT_COLOR = env.matching(
    "PORTAL_ACCENT_COLOR", r"#[0-9a-fA-F]{6}", "#0b6e4f", "a colour such as #0b6e4f"
)
PORTAL_SUPPORT_EMAIL = env.matching("PORTAL_SUPPORT_EMAIL", EMAIL_OR_NONE, "", "an e-mail address")
PORTAL_TEMPLATES = [Path(folder)] if (folder := env.text("PORTAL_TEMPLATES")) else []
if not all(folder.is_absolute() and folder.is_dir() for folder in PORTAL_TEMPLATES):
    raise ConfigError("PORTAL_TEMPLATES", "must be the absolute path of a folder")
PORTAL_MAINTENANCE = env.flag("PORTAL_MAINTENANCE")
PORTAL_SIGNUP = env.choice("PORTAL_SIGNUP", ("open", "approval", "invite"), "invite")
PORTAL_API_URL = env.url("PORTAL_API_URL")
ADMIN_PATH = env.matching(
    "ADMIN_PATH", r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/", "admin/", "a relative path ending in a slash"
)
if ADMIN_PATH.partition("/")[0].lower() in TAKEN_PATHS:
    raise ConfigError("ADMIN_PATH", "begins like another of the portal's own paths")

# Keys and lists
SIGNING_KEY_LEAD_TIME = env.duration("SIGNING_KEY_LEAD_TIME", "24h")
SIGNING_KEY_ROTATE_EVERY = env.duration("SIGNING_KEY_ROTATE_EVERY", "90d")
if SIGNING_KEY_LEAD_TIME.total_seconds() < 7200 and not DEVELOPMENT:
    raise ConfigError("SIGNING_KEY_LEAD_TIME", "must be at least 2h in production: AWS caches that long")
if SIGNING_KEY_ROTATE_EVERY <= SIGNING_KEY_LEAD_TIME:
    raise ConfigError("SIGNING_KEY_ROTATE_EVERY", "must be longer than SIGNING_KEY_LEAD_TIME")
STATUS_LIST_TTL = env.duration("STATUS_LIST_TTL", "60s")
AUDIT_RETENTION = env.duration("AUDIT_RETENTION", "400d")
TOKEN_SERVICE = token_service(env)
TOKEN_SERVICE_RETENTION = env.duration("TOKEN_SERVICE_RETENTION", "30d")
PLUGIN_APIM_PROVIDER = env.text("PLUGIN_APIM_PROVIDER", "jwt")

# Database, cache, mail
DATABASES = {"default": database_from(env, VAR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_redis = env.text("REDIS_URL")
if _redis and urlsplit(_redis).scheme not in ("redis", "rediss", "unix"):
    raise ConfigError("REDIS_URL", "must start with redis://, rediss:// or unix://")
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _redis}
        if _redis
        else {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "portal_cache",
            # Throttles live here: with Django's 300 entries a stranger could push them out.
            "OPTIONS": {"MAX_ENTRIES": 1_000_000},
        }
    )
}
try:
    vars().update(
        environ.Env.email_url_config(
            env.text("EMAIL_URL", "consolemail://" if DEVELOPMENT else "smtp://localhost:25")
        )
    )
except (KeyError, ValueError, environ.ImproperlyConfigured) as exc:
    raise ConfigError("EMAIL_URL", "is no mail URL such as smtp+tls://user:password@host:587") from exc
EMAIL_TIMEOUT = 10
"""Seconds that each step of talking to the mail server may take."""
DEFAULT_FROM_EMAIL = env.matching(
    "DEFAULT_FROM_EMAIL",
    SENDER,
    f"no-reply@{_base.hostname}",
    "an address such as Acme <mail@acme.example>",
)

# The application
ROOT_URLCONF = "portal.config.urls"
WSGI_APPLICATION = "portal.config.wsgi.application"
AUTH_USER_MODEL = "portal.User"
INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
MIDDLEWARE = [
    "portal.config.requests.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.config.content_security_policy.ContentSecurityPolicy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.config.bounds.RequestBounds",
    "portal.web.maintenance.Maintenance",
    "django.middleware.common.CommonMiddleware",
    "portal.config.sessionless.Sessionless",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.sign_ins.LastSeen",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.web.preferences.Preferences",
    "portal.web.errors.WrongMethods",
    "portal.web.accounts.pages.AccountPages",
    "portal.web.staff_mfa.StaffSecondFactor",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [*PORTAL_TEMPLATES, BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.branding.branding",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "portal.web.tags"],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = False
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]
TIME_ZONE = "UTC"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST_BODY

# Signing in: what no variable changes is in portal/config/accounts.py
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _base.scheme
IDENTITY_PROVIDERS = identity_providers(env, os.environ, allow_http=DEVELOPMENT)
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "portal.web.oidc.provider.OIDCProvider",
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [provider.as_app for provider in IDENTITY_PROVIDERS],
    }
}

# Pages may load what is ours and nothing else.
_logo = urlsplit(PORTAL_LOGO_URL)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", *([f"{_logo.scheme}://{_logo.netloc}"] if _logo.netloc else [])],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        # Browsers hold a form's redirects against it, too: providers are reached by one.
        "form-action": ["'self'", *sorted({provider.origin for provider in IDENTITY_PROVIDERS})],
    }
}

REST_FRAMEWORK = api.REST_FRAMEWORK
SPECTACULAR_SETTINGS = {
    **api.SPECTACULAR,
    "TITLE": f"{PORTAL_NAME} management API",
    "SERVERS": [{"url": PORTAL_BASE_URL}],
}

LOG_LEVEL = env.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info").upper()
LOG_FORMAT = env.choice("LOG_FORMAT", ("json", "console"), "console" if DEVELOPMENT else "json")
LOGGING_CONFIG = None
logging_config(LOG_LEVEL, LOG_FORMAT)
