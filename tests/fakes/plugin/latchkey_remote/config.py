"""The plugins' settings: ``PLUGIN_REMOTE_URL``, ``_TOKEN``, ``_RATE`` (such as 50/s), ``_DEADLINE``."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from urllib.parse import urlsplit

from provisioning.config import ConfigError, GetConfig, duration, text
from provisioning.contract import Rate
from provisioning.secret import Secret


@dataclass(frozen=True)
class RemoteConfig:
    """Where the provider is, who we are there, how fast we may call, and how long a call may take."""

    url: str
    token: Secret
    rate: Rate | None
    deadline: timedelta

    @classmethod
    def from_config(cls, get_config: GetConfig) -> Self:
        url, token = text(get_config, "PLUGIN_REMOTE_URL"), text(get_config, "PLUGIN_REMOTE_TOKEN")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigError("PLUGIN_REMOTE_URL", "must be an http or https URL")
        if not token:
            raise ConfigError("PLUGIN_REMOTE_TOKEN", "is missing")
        deadline = duration(get_config, "PLUGIN_REMOTE_DEADLINE", "10s", longest=timedelta(seconds=10))
        return cls(url.rstrip("/"), Secret(token), _rate(get_config), deadline)


def _rate(get_config: GetConfig) -> Rate | None:
    value = text(get_config, "PLUGIN_REMOTE_RATE")
    if value and not re.fullmatch(r"[1-9][0-9]{0,4}/s", value):
        raise ConfigError("PLUGIN_REMOTE_RATE", "must be a number of calls a second such as 50/s")
    return Rate(float(value.removesuffix("/s"))) if value else None
