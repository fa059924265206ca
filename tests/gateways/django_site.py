"""A Django site with the settings and views that gateways/python/README.md shows, word for word."""

import re
from pathlib import Path

from portal.core.recipes import Values, recipe_named

SETTINGS = """
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["rest_framework"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
ROOT_URLCONF = "urls"
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
USE_TZ = True
"""
FURTHER_SETTINGS = """
MIDDLEWARE += ["latchkey_verifier.django.key_middleware"]
"""
FURTHER_VIEWS = """

@require_key("orders:read")
async def orders_async(request):
    return JsonResponse({"customer": request.latchkey_key.customer})


def anybody(request):
    key = request.latchkey_key
    return JsonResponse({"customer": key.customer if key else None})


async def anybody_async(request):
    key = await request.alatchkey_key()
    return JsonResponse({"customer": None if key is None else key.customer})
"""
URLS = """
import api
import views
from django.urls import path

urlpatterns = [path("orders", {orders}), path("anybody", {anybody})]
"""
VIEWS = {
    "sync": ("views.orders", "views.anybody"),
    "async": ("views.orders_async", "views.anybody_async"),
    "drf": ("api.Orders.as_view()", "views.anybody"),
}


def write_site(folder: Path, values: Values, kind: str) -> None:
    """``kind`` is one of VIEWS: what answers ``/orders``, and ``/anybody`` with a key or without."""
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.+?)```", recipe_named("django").page(values), re.DOTALL)
    shown = dict(blocks)
    orders, anybody = VIEWS[kind]
    files = {
        "settings.py": SETTINGS + shown["settings.py"] + FURTHER_SETTINGS,
        "views.py": shown["views.py"] + FURTHER_VIEWS,
        "api.py": shown["api.py"],
        "urls.py": URLS.format(orders=orders, anybody=anybody),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    for interface in ("wsgi", "asgi"):
        get = f"get_{interface}_application"
        (folder / f"served_by_{interface}.py").write_text(
            'import os\n\nos.environ["DJANGO_SETTINGS_MODULE"] = "settings"\n'
            f"from django.core.{interface} import {get}\n\napplication = {get}()\n"
        )
