"""The contract suite that any plugin runs under pytest, and what it needs to run without a portal.

    class TestAcme(PluginContract):
        def make_plugin(self) -> AcmePlugin: ...

Needs pytest, which only tests have.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"provisioning.testing.{name}" for name in ("suite", "keys", "secrecy", "capabilities"))
)

from provisioning.testing.ledger import Crash, KillPoint, MemoryCalls, MemoryLedger  # noqa: E402
from provisioning.testing.lend import FixedSigner, make_toolbox  # noqa: E402
from provisioning.testing.suite import PluginContract  # noqa: E402

__all__ = [
    "Crash",
    "FixedSigner",
    "KillPoint",
    "MemoryCalls",
    "MemoryLedger",
    "PluginContract",
    "make_toolbox",
]
