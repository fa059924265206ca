"""A browser without scripts: keeps cookies, follows redirects, sends forms with their token."""

import html
import re
from typing import Any

import requests

from tests.real.portal import Portal


class Visitor:
    """``follow=False`` leaves a form's answer as it is."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.session = requests.Session()

    def get(self, path: str) -> requests.Response:
        url = path if path.startswith("http") else self.portal.url + path
        return self.session.get(url, timeout=30)

    def post(
        self, page: str, path: str, form: dict[str, Any] | None = None, *, follow: bool = True
    ) -> requests.Response:
        """Send a form of ``page`` to ``path``."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(page).text)
        assert token is not None, page
        return self.session.post(
            self.portal.url + path, data={"csrfmiddlewaretoken": token[1], **(form or {})},
            headers={"Referer": self.portal.url + page}, allow_redirects=follow, timeout=30,
        )  # fmt: skip

    def sign_in(self, email: str, password: str) -> requests.Response:
        return self.post("/accounts/login/", "/accounts/login/", {"login": email, "password": password})

    @property
    def is_in(self) -> bool:
        """Whether the portal knows the visitor."""
        return self.get("/dashboard").url == f"{self.portal.url}/dashboard"


def words_of(answer: requests.Response) -> str:
    """A page's text alone."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
