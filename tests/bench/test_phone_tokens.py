"""What ``make bench`` holds phone tokens against: believable records, and the tutorial's service."""

import base64
import importlib
import os
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from django.db import connection

from bench.cpu import cpu_seconds
from bench.phone_token_scale import HEAVY_SHARE, insert_records
from portal.models import PhoneToken

SIZE, KEY = 500, b"k" * 32


@pytest.mark.django_db
def test_records_are_as_long_as_the_portals_and_one_transaction_has_many() -> None:
    with connection.cursor() as cursor:
        insert_records(cursor.cursor, connection.vendor, SIZE)
    heavy = PhoneToken.objects.filter(xid="heavy")
    assert [token.ordinal for token in heavy] == [5, 4, 3, 2, 1]
    assert len({token.phone_hash for token in heavy}) == 1
    assert PhoneToken.objects.values("xid").distinct().count() == SIZE - SIZE // HEAVY_SHARE + 1
    assert {len(token.phone_hash) for token in PhoneToken.objects.all()} == {29}
    assert {len(token.fingerprint) for token in PhoneToken.objects.all()} == {64}
    assert PhoneToken.objects.create(
        xid="next", ordinal=1, phone_hash="", sealed_number="", fingerprint="", client_hash="",
        issued_at=heavy[0].issued_at, expires_at=heavy[0].expires_at,
    ).pk == SIZE + 1  # fmt: skip


@pytest.mark.once
def test_the_tutorials_service_signs_and_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/tutorial.sqlite3")
    monkeypatch.setenv("TOKEN_SERVICE_ISSUER", "acme")
    monkeypatch.setenv("TOKEN_SERVICE_KEY", base64.b64encode(KEY).decode())
    monkeypatch.setenv("TOKEN_SERVICE_RATE", "2/minute")
    tutorial = importlib.import_module("bench.tutorial_app")
    client = tutorial.app.test_client()
    answer = client.get("/v1/token/15555550123/order-1")
    claims = jwt.decode(answer.data, KEY, ["HS256"], options={"verify_iat": False})
    assert (claims["iss"], claims["phn"], claims["xid"]) == ("acme", "15555550123", "order-1")
    assert claims["exp"] - claims["iat"] == 90
    stored = tutorial._of_thread.connection.execute("SELECT xid, phone_number, token FROM tutorial_tokens")
    assert stored.fetchall() == [("order-1", "15555550123", answer.text)]
    tutorial._of_thread.connection.close()
    del tutorial._of_thread.connection
    assert [client.get("/v1/token/15555550123").status_code for _ in range(2)] == [200, 429]
    tutorial._of_thread.connection.close()


@pytest.mark.once
def test_a_childs_processor_time_counts_as_its_parents() -> None:
    before = cpu_seconds([os.getpid()])
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert cpu_seconds([os.getpid()]) - before >= 0.25
        child.communicate(b"\n")
