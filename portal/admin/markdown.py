"""Markdown of ours as HTML that the admin's policy allows: no HTML of its own, no images, no dead links."""

from collections.abc import MutableMapping, Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_BLOCK = (
    '<div class="with-copy"><pre class="code-box"><code tabindex="0" id="block-{}">{}</code></pre>'
    '<button type="button" class="button copy" data-copy="block-{}" hidden>Copy</button></div>\n'
)


class _Renderer(RendererHTML):
    """Code gets a button that copies it; links within the repository become plain words."""

    def fence(
        self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]
    ) -> SafeString:
        env["blocks"] = number = env.get("blocks", 0) + 1
        return format_html(_BLOCK, number, tokens[idx].content, number)

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        address = str(tokens[idx].attrGet("href") or "")
        env.setdefault("links", []).append(leads := address.startswith("https://"))
        return format_html('<a href="{}" rel="noreferrer">', address) if leads else ""

    def link_close(
        self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]
    ) -> str:
        return "</a>" if env["links"].pop() else ""


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table").disable("image")


def rendered(text: str) -> SafeString:
    """A page of ours without its first heading, which is the page's title already."""
    first, _, rest = text.partition("\n")
    body = rest if first.startswith("# ") else text
    # html is off: markdown-it escapes all text.
    return SafeString(_MARKDOWN.render(body))  # nosec
