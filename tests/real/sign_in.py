"""Signing in to a running portal."""

import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.real.http_calls import Answer, request
from tests.real.portal import STAFF_EMAIL, Portal


def sign_in(portal: Portal, password: str, email: str = STAFF_EMAIL) -> Answer:
    """Fill in the sign-in form as a browser does."""
    url = portal.url + "/accounts/login/"
    page = request(url)
    cookie = SimpleCookie(page.headers["Set-Cookie"])["csrftoken"].value
    hidden = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
    assert hidden is not None
    form = {"login": email, "password": password, "csrfmiddlewaretoken": hidden[1].decode()}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={cookie}", "Origin": portal.url, "Referer": url,
    }  # fmt: skip
    return request(url, "POST", urlencode(form).encode(), headers)


def reader(portal: Portal, password: str, email: str = STAFF_EMAIL) -> Callable[[str], Answer]:
    """Signs in; what it returns gets pages of that session."""
    answer = sign_in(portal, password, email)
    assert answer.status == 302, answer.status
    cookies = [SimpleCookie(line) for line in answer.headers.get_all("Set-Cookie", [])]
    sent = "; ".join(f"{name}={one.value}" for cookie in cookies for name, one in cookie.items())
    return lambda path: request(portal.url + path, headers={"Cookie": sent})
