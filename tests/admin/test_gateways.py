"""Connect a gateway: for whom, with which values, and nothing in a README can do more than be read."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from portal.admin.markdown import rendered
from portal.core.recipes import recipes
from portal.models import SigningKey
from portal.services.gateways import values_of_this_portal
from tests.admin.conftest import Admin, text_of
from tests.jwt_settings import jwt_settings

pytestmark = pytest.mark.django_db
StaffWith = Callable[..., Admin]
EVERY = pytest.mark.parametrize("name", recipes())
QUERIES = 4
"""Session, user, the published signing keys, and permissions for all but superusers."""


def test_only_who_sees_signing_keys_sees_it(staff_with: StaffWith) -> None:
    allowed, other = staff_with("view_signingkey"), staff_with("view_customer")
    for path in ("gateways/", "gateways/kong/"):
        assert allowed.get(path).status_code == 200
        assert other.get(path).status_code == 403
        assert Client().get(f"/admin/{path}").status_code == 302
    assert "/admin/gateways/" in allowed.get("").content.decode()
    assert "/admin/gateways/" not in other.get("").content.decode()


def test_the_list_leads_to_every_recipe(admin: Admin) -> None:
    page = admin.get("gateways/").content.decode()
    for name, recipe in recipes().items():
        assert f'href="/admin/gateways/{name}/"' in page
        assert recipe.title in page
    for fact in ("http://127.0.0.1:8000/.well-known/jwks.json", "RS256", "org_id"):
        assert fact in page


@EVERY
def test_a_recipes_page_has_its_files_whole_with_this_portals_values(admin: Admin, name: str) -> None:
    answer = admin.get(f"gateways/{name}/")
    assert answer.status_code == 200
    page = unescape(answer.content.decode())
    for number, (file, text) in enumerate(recipes()[name].filled(values_of_this_portal()).items(), 1):
        assert f'<code tabindex="0" id="file-{number}">{text}</code>' in page
        assert f'data-copy="file-{number}" aria-label="Copy {file}" hidden>' in page
    assert f"manage.py gateway_config {name}" in page
    assert "portal.example.com" not in page


@EVERY
def test_pages_hold_no_script_or_style_of_their_own(admin: Admin, name: str) -> None:
    page = admin.get(f"gateways/{name}/").content.decode()
    assert page.count("<script") == page.count("<script src=") + page.count('<script type="module" src=')
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick=" not in page


def test_an_unknown_recipe_is_not_found(admin: Admin) -> None:
    assert admin.get("gateways/nonsense/").status_code == 404


def test_an_alias_leads_there_too(admin: Admin) -> None:
    assert text_of(admin.get("gateways/azure/")) == text_of(admin.get("gateways/azure-apim/"))


def test_what_a_gateway_cannot_verify_is_a_warning(admin: Admin) -> None:
    with jwt_settings(algorithm="EdDSA"):
        assert "AWS API Gateway, HTTP API can't verify EdDSA" in text_of(admin.get("gateways/aws-http-api/"))
        assert "but not EdDSA" in text_of(admin.get("gateways/"))
    SigningKey.objects.filter(algorithm="EdDSA").delete()
    assert "can't verify" not in text_of(admin.get("gateways/aws-http-api/"))


def test_one_of_several_audiences_can_be_chosen(admin: Admin) -> None:
    with jwt_settings(audience="urn:orders,urn:bills&x"):
        first = admin.get("gateways/tyk/").content.decode()
        assert "allowedAudiences: [urn:orders]" in first
        assert 'href="?audience=urn%3Abills%26x"' in first
        second = admin.get("gateways/tyk/", audience="urn:bills&x").content.decode()
        assert "allowedAudiences: [urn:bills&amp;x]" in second
        assert (
            "allowedAudiences: [urn:orders]" in admin.get("gateways/tyk/", audience="else").content.decode()
        )


def test_pages_cost_few_queries(admin: Admin, django_assert_max_num_queries: Any) -> None:
    for path in ("gateways/", "gateways/kong/"):
        with django_assert_max_num_queries(QUERIES):
            admin.get(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("[a](../docs/x.md) b", "<p>a b</p>\n"),
        (
            "[a](https://x.test/?a=1&b=2)",
            '<p><a href="https://x.test/?a=1&amp;b=2" rel="noreferrer">a</a></p>\n',
        ),
        ("![a](https://x.test/p.png)", '<p>!<a href="https://x.test/p.png" rel="noreferrer">a</a></p>\n'),
        ('<img src=x onerror="a">', "<p>&lt;img src=x onerror=&quot;a&quot;&gt;</p>\n"),
        ("# Title\n\ntext", "<p>text</p>\n"),
    ],
)
def test_markdown_is_text_and_nothing_else(text: str, expected: str) -> None:
    assert rendered(text) == expected


def test_code_is_shown_as_it_is_and_can_be_copied() -> None:
    page = rendered("```html\n<b>&amp;</b>\n```\n\n- x\n\n  ```sh\n  y\n  ```\n")
    assert (
        '<pre class="code-box"><code tabindex="0" id="block-1">&lt;b&gt;&amp;amp;&lt;/b&gt;\n</code></pre>'
        in page
    )
    assert '<code tabindex="0" id="block-2">y\n</code>' in page
    assert page.count('data-copy="block-') == 2
