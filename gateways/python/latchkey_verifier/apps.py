"""In INSTALLED_APPS it looks at the setting ``LATCHKEY`` when Django starts."""

from django.apps import AppConfig

from latchkey_verifier.django import portal_verifier


class LatchkeyVerifierConfig(AppConfig):
    name = "latchkey_verifier"

    def ready(self) -> None:
        """Raises ImproperlyConfigured."""
        portal_verifier()
