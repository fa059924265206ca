"""The remote plugin of the services' tests, here too."""

from tests.services.conftest import remote

__all__ = ["remote"]
