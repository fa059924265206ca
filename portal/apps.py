"""Start-up: plugins are loaded and configured, or the start stops."""

import os
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from django.conf import settings

        from portal.config import checks  # noqa: F401  # registers the system checks
        from portal.core.clock import now
        from portal.core.plugins import set_registry
        from portal.services.signing_keys.lookup import DatabaseSigner
        from portal.services.signing_keys.sync import sync_signing_keys
        from portal.services.turns import DatabaseRates
        from provisioning.config import environ_get_config
        from provisioning.contract import Toolbox
        from provisioning.registry import load_plugins

        toolbox = Toolbox(
            now=now,
            signer=DatabaseSigner(sync_signing_keys),
            base_url=settings.PORTAL_BASE_URL,
            rates=DatabaseRates(),
        )
        get_config = environ_get_config(os.environ)
        set_registry(load_plugins(settings.PLUGIN_APIM_PROVIDER, get_config, toolbox))
        post_migrate.connect(_after_migrate, sender=self)


def _after_migrate(**_: Any) -> None:
    from portal.services.plans import ensure_default_plan

    ensure_default_plan()


class PortalAdminConfig(AdminConfig):
    default_site = "portal.admin.site.PortalAdminSite"

    def ready(self) -> None:
        super().ready()
        from portal.admin import registered  # noqa: F401  # registers the pages
