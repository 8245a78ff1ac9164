"""Rewards in one line of text: `step_grained:mode=mean:call_cost=0.55` is a name and the parameters that are set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

from tool_gym.errors import ScenarioError, UnknownNameError


def spec_of(name: str, reward: Any) -> str:
    """Return the line that names a reward: its name, and those of its parameters that are not their default.

    Args:
        name: The name it is registered under.
        reward: A dataclass whose fields are its parameters.
    """
    changed = [
        f"{field.name}={getattr(reward, field.name)}"
        for field in fields(reward)
        if getattr(reward, field.name) != field.default
    ]
    return ":".join((name, *changed))


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Return the name and the parameters that a line gives, as text.

    Raises:
        ScenarioError: If a part behind the name is not of the form `parameter=value`, or says a parameter again.

    >>> split_spec("solve:beta=2")
    ('solve', {'beta': '2'})
    """
    name, *parts = spec.split(":")
    given: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not (key and equals and value) or key in given:
            msg = f"a reward is written NAME or NAME:PARAMETER=VALUE, each parameter once, not {spec[:80]!r}"
            raise ScenarioError(msg)
        given[key] = value
    return name, given


def parameters_of(name: str, make: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters given to a reward's constructor, those written as text read as the type they have.

    Raises:
        UnknownNameError: If the reward has no such parameter.
        ScenarioError: If a text is no number where a number is wanted.
    """
    known = _fields_of(make)
    for key in given:
        if key not in known:
            error = UnknownNameError.of(f"parameter of {name}", key, known)
            raise error
    return {key: _read(f"{name}:{key}", value, known[key]) for key, value in given.items()}


def _fields_of(make: Callable[..., Any]) -> dict[str, Field[Any]]:
    """Return the parameters of a reward that is a dataclass; one made in another way has none to set."""
    return {field.name: field for field in fields(make)} if isinstance(make, type) else {}


def _read(what: str, value: Any, field: Field[Any]) -> Any:
    if not isinstance(value, str) or isinstance(field.default, str):
        return value
    try:
        return float(value)
    except ValueError:
        msg = f"{what} must be a number, not {value[:40]!r}"
        raise ScenarioError(msg) from None
