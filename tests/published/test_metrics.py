"""Who may read ``/metrics``, and what it says."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import OperationalError, connection

from portal.core.actor import SYSTEM
from portal.core.clock import now
from portal.core.metrics import EVENTS, IN_MEMORY
from portal.core.process import this_process
from portal.models import Customer, Operation, ScheduledJob, SigningKey, User, WorkerSeen
from portal.published import metrics, snapshot
from portal.published.application import Published
from portal.published.gauges import DATABASE_DOWN
from portal.published.metrics import Metrics
from portal.services.access_tokens import may_read_metrics
from portal.services.keys.request import request_key
from portal.services.turns import DatabaseRates
from provisioning.contract import Rate
from provisioning.errors import Rejected, Transient
from tests.conftest import Api, Clock, token_for
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.jobs.listing import Listing
from tests.real.waiting import eventually
from tests.services.remote import work

pytestmark = pytest.mark.django_db(transaction=True)
LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000"}
FAR = {"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "portal.example.com"}


class Scraper:
    def __init__(self) -> None:
        self.app = Published(lambda environ, start_response: [b"inner"], Metrics(may_read_metrics))
        self.status, self.headers = 0, {}

    def __call__(self, caller: dict[str, str], *, method: str = "GET", bearer: str | None = None) -> str:
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        environ.update(REQUEST_METHOD=method, PATH_INFO="/metrics", **caller)
        if bearer is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.status, self.headers = int(status[:3]), dict(headers)

        return b"".join(self.app(environ, start_response)).decode()

    def values(self) -> dict[str, float]:
        """Sample with labels → value, as a program on this host reads them."""
        lines = self(LOCAL).splitlines()
        assert self.status == 200
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


@pytest.fixture
def scrape() -> Scraper:
    return Scraper()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_programs_on_this_host_may_read(scrape: Scraper, address: str, host: str) -> None:
    assert "latchkey_database_up 1.0" in scrape({"REMOTE_ADDR": address, "HTTP_HOST": host})
    assert scrape.status == 200
    assert scrape.headers["Content-Type"].startswith("text/plain; version=")
    assert scrape.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "caller",
    [
        FAR,
        {**LOCAL, "REMOTE_ADDR": "192.0.2.7"},
        {**LOCAL, "REMOTE_ADDR": ""},
        {**LOCAL, "HTTP_HOST": "portal.example.com"},
        {**LOCAL, "HTTP_HOST": ""},
        {**LOCAL, "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {**LOCAL, "HTTP_X_FORWARDED_FOR": ""},
        {**LOCAL, "HTTP_X_FORWARDED_PROTO": "https"},
        {**LOCAL, "HTTP_X_REAL_IP": "127.0.0.1"},
        {**LOCAL, "HTTP_FORWARDED": "for=127.0.0.1"},
        {**LOCAL, "HTTP_VIA": "1.1 proxy"},
    ],
    ids=lambda caller: " ".join(f"{name}={value}" for name, value in caller.items()),
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_what_may_have_come_through_a_proxy_needs_a_token(
    scrape: Scraper, caller: dict[str, str], proxies: int, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert scrape(caller) == ""
    assert (scrape.status, scrape.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_token_with_the_scope_may_read_from_anywhere(scrape: Scraper, staff: User) -> None:
    assert "latchkey_database_up 1.0" in scrape(FAR, bearer=token_for(staff, "metrics:read"))
    assert scrape.status == 200


def test_a_token_without_the_scope_may_not(scrape: Scraper, staff: User) -> None:
    for caller in (FAR, LOCAL):
        assert scrape(caller, bearer=token_for(staff, "keys:read")) == ""
        assert scrape.status == 403


@pytest.mark.parametrize("bearer", ["", "nonsense", "lk_" + "a" * 36])
def test_an_unknown_token_is_refused_on_this_host_too(scrape: Scraper, bearer: str) -> None:
    for caller in (FAR, LOCAL):
        assert scrape(caller, bearer=bearer) == ""
        assert scrape.status == 401


def test_the_scope_is_for_staff_alone(api: Api) -> None:
    owner = MembershipFactory()
    body = {"scopes": ["metrics:read"], "customer": owner.customer.public_id, "owner": owner.user.email}
    assert api.post("/access-tokens", body).status_code == 422


def test_other_methods(scrape: Scraper) -> None:
    scrape(LOCAL, method="POST")
    assert (scrape.status, scrape.headers["Allow"]) == (405, "GET, HEAD")
    assert scrape(LOCAL, method="HEAD") == ""
    assert scrape.status == 200


def operation(customer: Customer, state: str, **fields: Any) -> Operation:
    return Operation.objects.create(
        kind=Operation.Kind.PROVISION, plugin="jwt", customer=customer, state=state, **fields
    )


def test_open_operations_are_told_by_state_and_ended_ones_are_not(scrape: Scraper, clock: Clock) -> None:
    customer = CustomerFactory()
    operation(customer, "queued", run_after=now() - timedelta(seconds=90))
    operation(customer, "queued", run_after=now() + timedelta(hours=1))
    operation(customer, "needs_attention", run_after=None)
    operation(customer, "succeeded", finished_at=now())
    values = scrape.values()
    opened = {name: value for name, value in values.items() if name.startswith("latchkey_open_operations{")}
    assert opened == {
        'latchkey_open_operations{plugin="jwt",state="queued"}': 2,
        'latchkey_open_operations{plugin="jwt",state="needs_attention"}': 1,
    }
    assert values["latchkey_oldest_due_operation_age_seconds"] == 90


def test_workers_and_jobs(scrape: Scraper) -> None:
    WorkerSeen.objects.create(process="alive", seen_at=now())
    host = this_process().rsplit(" ", 2)[0]
    WorkerSeen.objects.create(process=f"{host} {2**22 + 1} 1", seen_at=now())  # stopped: no such process
    WorkerSeen.objects.create(process="silent", seen_at=now() - timedelta(minutes=2))
    ScheduledJob.objects.update_or_create(name="purge", defaults={"error": "it broke", "finished_at": now()})
    values = scrape.values()
    assert values["latchkey_workers_seen"] == 1
    assert values['latchkey_scheduled_job_failing{job="purge"}'] == 1


def test_signing_keys(scrape: Scraper, settings: Any) -> None:
    settings.SIGNING_KEY_ROTATE_EVERY, settings.SIGNING_KEY_LEAD_TIME = timedelta(days=90), timedelta(days=1)
    SigningKey.objects.filter(state="active").update(activated_at=now() - timedelta(days=10))
    active, staged = (SigningKey.objects.get(state=state) for state in ("active", "staged"))
    assert active.activated_at is not None
    values = scrape.values()
    age = values['latchkey_signing_key_age_seconds{source="managed",state="active"}']
    assert 0 <= age - timedelta(days=10).total_seconds() < 60
    due = (active.activated_at + timedelta(days=90)).timestamp()
    ready = (staged.staged_at + timedelta(days=1)).timestamp()
    assert values["latchkey_signing_key_rotation_due_timestamp_seconds"] == pytest.approx(due)
    assert values["latchkey_staged_signing_key_ready_timestamp_seconds"] == pytest.approx(ready)


def counted(sample: str, **labels: str) -> float:
    return IN_MEMORY.get_sample_value(sample, labels) or 0


def test_issued_and_revoked_keys_are_counted_once_they_are_committed(api: Api) -> None:
    owner = MembershipFactory()
    before = {
        action: counted("latchkey_events_total", action=action) for action in ("key.activated", "key.revoked")
    }
    body = {"customer": owner.customer.public_id, "user": owner.user.email, "name": "counted"}
    key = api.post("/keys", body).json()["id"]
    api.post(f"/keys/{key}/revoke")
    for action, number in before.items():
        assert counted("latchkey_events_total", action=action) == number + 1


def test_requests_are_counted_by_route_never_by_path(api: Api, scrape: Scraper) -> None:
    user = UserFactory()
    key = "key_" + "a" * 20
    api.get(f"/keys/{key}?customer={user.public_id}")
    api.get("/no/such/path/4915112345678")
    text = scrape(LOCAL)
    assert 'method="GET",route="api/v1/keys/<slug:id>",status="4xx"' in text
    for private in (key, user.public_id, "4915112345678"):
        assert private not in text


def test_an_unheard_of_method_makes_no_label_of_its_own(api: Api, scrape: Scraper) -> None:
    api("BREW", "/keys")
    assert 'method="other"' in scrape(LOCAL)
    assert "BREW" not in scrape(LOCAL)


def test_published_answers_are_counted(scrape: Scraper, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"document": "jwks.json", "status": "200"}
    before = counted("latchkey_published_answers_total", **labels)
    for _ in range(3):
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        environ["PATH_INFO"] = "/.well-known/jwks.json"
        scrape.app(environ, lambda *_: None)
    scrape.app._tallies["/.well-known/jwks.json", 200].hand_over()
    assert counted("latchkey_published_answers_total", **labels) == before + 3


@pytest.fixture
def gauges_of() -> Callable[[Callable[[], bytes]], Scraper]:
    """A scraper whose gauges come from a function of the test's."""

    def make(function: Callable[[], bytes]) -> Scraper:
        scraper = Scraper()
        scraper.app._metrics._gauges = snapshot.Snapshot(function)
        return scraper

    return make


def test_a_database_that_is_away_is_told_and_the_rest_still_answers(
    gauges_of: Callable[[Callable[[], bytes]], Scraper], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.published import gauges

    def away() -> Any:
        raise OperationalError

    monkeypatch.setattr(gauges, "_operations", away)
    EVENTS.labels("key.activated").inc()
    text = gauges_of(gauges.database_gauges)(LOCAL)
    assert "latchkey_database_up 0.0" in text
    assert "latchkey_events_total{" in text


def test_a_database_that_hangs_is_told_too(
    gauges_of: Callable[[Callable[[], bytes]], Scraper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(snapshot, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(metrics, "STALE_SECONDS", 0.0)
    gate = threading.Event()

    def hangs() -> bytes:
        gate.wait(10)
        return b"latchkey_database_up 1.0\n"

    text = gauges_of(hangs)(LOCAL)
    gate.set()
    assert DATABASE_DOWN.decode() in text


def test_no_metric_is_told_twice(scrape: Scraper) -> None:
    names = re.findall(r"^# TYPE (\S+)", scrape(LOCAL), re.MULTILINE)
    assert sorted(set(names)) == sorted(names)
    assert len(names) > 10


def test_runs_of_operations_are_told_by_how_they_ended(scrape: Scraper, remote: Listing) -> None:
    owner = MembershipFactory()
    remote.refusals = [Transient("busy", "Later."), Rejected("no", "Never.")]
    labels = {"kind": "issue_key", "plugin": "remote"}
    name = "latchkey_operation_run_seconds_count"
    outcomes = ("transient", "rejected", "succeeded")
    before = {outcome: counted(name, outcome=outcome, **labels) for outcome in outcomes}
    for _ in range(3):
        request_key(SYSTEM, owner.customer_id, user=owner.user, name="x", plugin="remote")
        work()
    after = {outcome: counted(name, outcome=outcome, **labels) - before[outcome] for outcome in outcomes}
    assert after == {"transient": 1, "rejected": 1, "succeeded": 1}


def test_turns_are_told_by_plugin(remote: Listing) -> None:
    before = {
        plugin: counted("latchkey_rate_wait_seconds_count", plugin=plugin) for plugin in ("remote", "other")
    }
    for bucket in ("remote writes", "remote reads", "of nobody"):
        DatabaseRates().take(bucket, Rate(1000, 10))
    after = {plugin: counted("latchkey_rate_wait_seconds_count", plugin=plugin) for plugin in before}
    assert after == {"remote": before["remote"] + 2, "other": before["other"] + 1}


def test_requests_that_wait_are_told_while_they_do() -> None:
    from portal.jobs import run

    owner = CustomerFactory()
    waits = operation(owner, "queued")
    labels = {"waits_for": "operation"}
    done = threading.Event()

    def wait() -> None:
        run.wait_for(waits.pk, seconds=20)
        connection.close()
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: counted("latchkey_waiting_requests", **labels) == 1, "it is told")
    Operation.objects.filter(pk=waits.pk).update(state="succeeded", finished_at=now())
    thread.join(20)
    assert done.is_set()
    assert counted("latchkey_waiting_requests", **labels) == 0


def test_mails_are_told_by_what_came_of_them(settings: Any) -> None:
    from portal.mail.render import Mail
    from portal.mail.send import ServerAway, mail_server

    before = {
        outcome: counted("latchkey_mails_total", outcome=outcome) for outcome in ("sent", "server_away")
    }
    with mail_server() as send:
        send(Mail("subject", "text", "<p>text</p>"), ["ada@acme.example"])
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(ServerAway), mail_server():
        pass
    after = {outcome: counted("latchkey_mails_total", outcome=outcome) for outcome in before}
    assert after == {outcome: number + 1 for outcome, number in before.items()}
