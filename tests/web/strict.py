"""What every page of ours keeps to: the strict policy, and nothing loaded from elsewhere."""

import re

from django.http import HttpResponse

POLICY = {
    "default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'",
}  # fmt: skip


def assert_strict(answer: HttpResponse) -> None:
    """The answer's policy allows ours alone, and its page needs no more than that."""
    policy = set(re.split(r";\s*", answer["Content-Security-Policy"]))
    assert policy >= POLICY
    assert "unsafe" not in answer["Content-Security-Policy"]
    page = answer.content.decode()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", page) == []
    loaded = re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*?\s(?:src|href)=\"([^\"]*)\"", page)
    assert [url for url in loaded if not re.match(r"/(?!/)", url)] == []
