"""Real workers and a real remote provider: woken at once, stopped without harm, any number of them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.provider.process import ProviderProcess
from tests.real.database import fresh_database
from tests.real.portal import CHECKOUT, Owner, Portal
from tests.real.processes import Process
from tests.real.required import require_proc
from tests.real.waiting import eventually

PLUGINS = CHECKOUT / "tests" / "fakes" / "plugin"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    with ProviderProcess(tmp_path) as provider:
        yield provider


@pytest.fixture
def remote_portal(tmp_path: Path, provider: ProviderProcess) -> Iterator[Portal]:
    """A portal with one worker, whose keys are made by the provider."""
    require_proc()
    with fresh_database(tmp_path) as url:
        portal = Portal(
            tmp_path, DATABASE_URL=url, PLUGIN_APIM_PROVIDER="remote", PYTHONPATH=str(PLUGINS),
            **provider.settings,
        )  # fmt: skip
        try:
            yield portal.start()
        finally:
            portal.clean_up()


def ask(portal: Portal, owner: Owner, name: str, *, wait: int = 0) -> dict[str, Any]:
    """Ask for a key; the answer says what has become of it within ``wait`` seconds."""
    answer = portal.api("POST", "/keys", {**owner.body, "name": name}, prefer=f"wait={wait}")
    assert answer.status in (201, 202), answer.body
    return dict(answer.json())


def workers(portal: Portal) -> list[Process]:
    return portal.processes("manage.py worker")


def key_of(portal: Portal, asked: dict[str, Any]) -> dict[str, Any]:
    return dict(portal.api("GET", f"/keys/{asked['id']}").json())


def test_work_is_taken_up_at_once(remote_portal: Portal, provider: ProviderProcess) -> None:
    """Within the second that the caller waits; the worker's own poll comes every five."""
    owner = remote_portal.add_owner()
    ask(remote_portal, owner, "the first makes organization and user too", wait=20)
    issued = ask(remote_portal, owner, "second", wait=2)
    assert issued["status"] == "active"
    assert provider.accepts(issued["secret"])


def test_a_worker_that_is_told_to_stop_finishes_its_call_and_gives_the_rest_back(
    remote_portal: Portal, provider: ProviderProcess
) -> None:
    provider.set_faults(slow=1, late_least_seconds=2, late_most_seconds=2)
    asked = ask(remote_portal, remote_portal.add_owner(), "interrupted")
    eventually(lambda: provider.counts().get("slow"), "the worker is at it")
    assert remote_portal.stop() == 0
    provider.set_faults()
    assert len(provider.truth().alive["organizations"]) == 1, "the call under way was finished"
    remote_portal.start()
    eventually(lambda: key_of(remote_portal, asked)["status"] == "active", "it is carried on with", seconds=9)
    operation = remote_portal.api("GET", f"/operations/{asked['operation']}").json()
    assert operation["attempts"] == 2
    assert len(provider.truth().alive["organizations"]) == 1
    assert len(provider.truth().alive["credentials"]) == 1


def test_many_workers_do_each_thing_once(remote_portal: Portal, provider: ProviderProcess) -> None:
    further = [remote_portal.spawn("worker") for _ in range(3)]
    owners = [remote_portal.add_owner() for _ in range(6)]
    asked = [ask(remote_portal, owner, f"key {number}") for owner in owners for number in range(4)]
    eventually(
        lambda: all(key_of(remote_portal, one)["status"] == "active" for one in asked), "all are made",
        seconds=60,
    )  # fmt: skip
    made = provider.truth().alive
    assert (len(made["organizations"]), len(made["users"]), len(made["credentials"])) == (6, 6, 24)
    for one in asked:
        assert remote_portal.api("GET", f"/operations/{one['operation']}").json()["attempts"] == 1
    end(*further)


def test_a_frozen_worker_wakes_late_and_harms_nothing(
    remote_portal: Portal, provider: ProviderProcess
) -> None:
    provider.set_faults(slow=1, late_least_seconds=1, late_most_seconds=1)
    asked = ask(remote_portal, remote_portal.add_owner(), "frozen")
    eventually(lambda: provider.counts().get("slow"), "the worker is at it")
    (frozen,) = workers(remote_portal)
    signal_to(frozen, signal.SIGSTOP)
    provider.set_faults()
    other = remote_portal.spawn("worker")
    eventually(lambda: key_of(remote_portal, asked)["status"] == "active", "another takes over", seconds=60)
    signal_to(frozen, signal.SIGCONT)
    secret = remote_portal.api("POST", f"/keys/{asked['id']}/reveal").json()["secret"]
    eventually(lambda: "operation.lease_lost" in remote_portal.log, "the frozen one notices")
    assert provider.accepts(secret)
    assert len(provider.truth().alive["credentials"]) == 1
    assert remote_portal.manage("reconcile").stdout.strip() == "remote: nothing differs"
    end(other)


def end(*processes: "subprocess.Popen[bytes]") -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        assert process.wait(20) == 0


def signal_to(process: Process, number: signal.Signals) -> None:
    os.kill(process.pid, number)
