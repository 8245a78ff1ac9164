"""Agents: who learns. Policies, rollouts, training and analysis; what trains needs the extra `train`."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES: dict[str, str] = {}
"""Public name → the module it lives in, imported when it is asked for."""

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
