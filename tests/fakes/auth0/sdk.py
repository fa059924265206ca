"""Auth0's own SDK, connected to the fake as an application of the tenant."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from auth0.management.client import Auth0

from tests.fakes.auth0.process import Auth0Process


@contextmanager
def connected(fake: Auth0Process, *, retries: int = 0) -> Iterator[Auth0]:
    """A client with a new token, that tries everything once."""
    token: str = fetch_token(fake).json()["access_token"]
    with trusting(fake) as client:
        yield Auth0(base_url=f"{fake.url}/api/v2", token=token, httpx_client=client, max_retries=retries)


def trusting(fake: Auth0Process) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=fake.ca_file), timeout=10)


def fetch_token(fake: Auth0Process) -> httpx.Response:
    settings = fake.settings
    form = {
        "grant_type": "client_credentials",
        "client_id": settings["PLUGIN_AUTH0_M2M_CLIENT_ID"],
        "client_secret": settings["PLUGIN_AUTH0_M2M_CLIENT_SECRET"],
        "audience": f"{fake.url}/api/v2/",
    }
    with trusting(fake) as client:
        return client.post(f"{fake.url}/oauth/token", data=form)
