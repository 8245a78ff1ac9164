"""Template tools in this process: compiled once per tool and world, no copies, no threads, no `exec`.

What is covered: schema validation before anything runs; unknown tools, invalid arguments, unmet
preconditions and a template's own bugs become typed results; a failed call has no effect; no tool can loop,
block or read anything but its world.
What is not covered: foreign Python source, which this runtime refuses.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from tool_gym import jsonio
from tool_gym.errors import ScenarioError, UnknownNameError
from tool_gym.scenario import Fault, TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Bindings, Family, Parameters, Run, ToolFailure
from tool_gym.turns import Outcome, ToolResult, failed
from tool_gym.validation import ArgumentValidator
from tool_gym.world import BaseTables, Delta, World, WorldView

_LOG = logging.getLogger(__name__)
_OK = Outcome.OK
_new = tuple.__new__  # half the time of a NamedTuple's own constructor


class CompiledTool(NamedTuple):
    """A tool bound to a world."""

    is_valid: Callable[[Any], bool]
    run: Run
    validator: ArgumentValidator


class InProcessRuntime:
    """Runs a scenario's template tools over a world."""

    __slots__ = ("_base", "_faults", "_tools")

    def __init__(self, tools: tuple[ToolSpec, ...], world: World, faults: tuple[Fault, ...] = ()) -> None:
        """Compile `tools` for `world`.

        Raises:
            ScenarioError: If a tool is foreign source, or does not fit its family or the world.
        """
        self._base = world.base
        self._tools = {tool.name: _compiled(tool, world.base) for tool in tools}
        self._faults = {fault.tool: fault.times for fault in faults}

    def start(self) -> InProcessSession:
        """Open the session of a new episode; costs no copy of the world."""
        return InProcessSession(self._base, self._tools, self._faults)


class InProcessSession:
    """One episode's tools and its copy-on-write view of the world."""

    __slots__ = ("_faults", "_tools", "_view")

    def __init__(self, base: BaseTables, tools: Mapping[str, CompiledTool], faults: Mapping[str, int]) -> None:
        self._view = WorldView(base)
        self._tools = tools
        self._faults = faults

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one call; see `Session.call`."""
        tool = self._tools.get(name)
        if tool is None:
            return _unknown(name, self._tools)
        if not tool.is_valid(arguments):
            return failed(Outcome.INVALID_ARGUMENTS, tool.validator.explain(arguments) or "arguments do not fit")
        if self._faults and self._faults.get(name, 0) > 0:
            self._faults = {**self._faults, name: self._faults[name] - 1}
            return failed(Outcome.TRANSIENT_FAULT, f"{name} is briefly unavailable; the same call may be tried again")
        view = self._view
        before = view.delta
        try:
            value = tool.run(view, arguments)
        except ToolFailure as failure:
            result = failed(failure.outcome, str(failure))
        except Exception:  # noqa: BLE001 - a broken tool is an observation, never a crash
            _LOG.exception("tool %r failed", name)
            result = failed(Outcome.TOOL_ERROR, f"{name} failed")
        except BaseException:
            view.delta, view.effects = before, []
            raise
        else:
            if not view.effects:
                return _new(ToolResult, (_OK, value, "", ()))
            effects, view.effects = tuple(view.effects), []
            return ToolResult(_OK, value, "", effects)
        view.delta, view.effects = before, []
        return result

    def snapshot(self) -> tuple[Delta, Mapping[str, int]]:
        """Return the state; see `Session.snapshot`."""
        return self._view.delta, self._faults

    def restore(self, state: Any) -> None:
        """Return to `state`; see `Session.restore`."""
        self._view.delta, self._faults = state
        self._view.effects = []

    def digest(self) -> str:
        """Hash the world as this episode sees it."""
        return self._view.digest()

    def close(self) -> None:
        """Release nothing: the session holds only memory."""


def check_tool(tool: ToolSpec, base: BaseTables) -> tuple[Family, Bindings]:
    """Return the family and checked bindings of a template tool.

    Raises:
        ScenarioError: If the tool is foreign source, of an unknown family, or bound to what the world lacks.
    """
    impl = tool.impl
    if not isinstance(impl, TemplateImpl):
        msg = f"tool {tool.name!r} is Python source; it needs an isolated runtime, which this release does not have"
        raise ScenarioError(msg)
    family = FAMILIES.get(impl.family)
    if family is None:
        msg = f"tool {tool.name!r}: {UnknownNameError.of('tool family', impl.family, FAMILIES)}"
        raise ScenarioError(msg)
    try:
        bindings = family.bindings.model_validate(impl.bindings)
        roles = family.parameters(bindings, base)
        ArgumentValidator.of(tool.parameters)
        _check_roles(tool, impl, roles)
    except ValidationError as error:
        msg = f"tool {tool.name!r}: bindings do not fit family {family.name!r}: {error.errors()[0]['msg']}"
        raise ScenarioError(msg) from None
    except ScenarioError as error:
        msg = f"tool {tool.name!r}: {error}"
        raise ScenarioError(msg) from None
    return family, bindings


def _check_roles(tool: ToolSpec, impl: TemplateImpl, roles: Parameters) -> None:
    """Check that a tool's parameters and constants are the arguments its family takes, each once."""
    public = [name for name in tool.parameters.get("properties", {}) if name not in impl.inert]
    given = [impl.renames.get(name, name) for name in public] + list(impl.constants)
    required = set(tool.parameters.get("required", ())).intersection(public)
    always = {impl.renames.get(name, name) for name in required} | impl.constants.keys()
    if len(set(given)) < len(given) or not set(given) <= roles.properties.keys() or not set(roles.required) <= always:
        takes = ", ".join(name if name in roles.required else f"[{name}]" for name in roles.properties)
        msg = f"its parameters give {', '.join(given)}; its family takes, once each: {takes}"
        raise ScenarioError(msg)
    for name, value in impl.constants.items():
        problem = ArgumentValidator.of(roles.properties[name]).explain(value)
        if problem:
            msg = f"constant {name!r}: {problem}"
            raise ScenarioError(msg)


def _compiled(tool: ToolSpec, base: BaseTables) -> CompiledTool:
    content = jsonio.dump_bytes([tool.name, tool.impl.model_dump(mode="json"), tool.parameters], sort_keys=True)
    key = hashlib.blake2b(content, digest_size=16).digest()
    found = base.compiled.get(key)
    if found is None:
        found = base.compiled[key] = _compile(tool, base)
    return found


def _compile(tool: ToolSpec, base: BaseTables) -> CompiledTool:
    family, bindings = check_tool(tool, base)
    validator = ArgumentValidator.of(tool.parameters)
    run, impl = family.compile(bindings, base), tool.impl
    if isinstance(impl, TemplateImpl) and (impl.renames or impl.constants or impl.inert):
        run = _translating(run, impl)
    return CompiledTool(validator.is_valid, run, validator)


def _translating(run: Run, impl: TemplateImpl) -> Run:
    constants = dict(impl.constants)
    if not impl.renames and not impl.inert:
        return lambda view, arguments: run(view, {**arguments, **constants})
    return lambda view, arguments: run(view, impl.translate(arguments))


def _unknown(name: str, tools: Mapping[str, CompiledTool]) -> ToolResult:
    close = difflib.get_close_matches(name[:80], tools, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return failed(Outcome.UNKNOWN_TOOL, f"no tool is named {name[:80]!r}.{hint}")
