"""Template tools in this process: compiled once per tool and world, no copies, no threads, no `exec`.

What is covered: schema validation before anything runs; unknown tools, invalid arguments, unmet
preconditions and a template's own bugs become typed results; a failed call has no effect; no tool can loop,
block or read anything but its world.
What is not covered: foreign Python source, which this runtime refuses.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from tool_gym import jsonio
from tool_gym.errors import ScenarioError, UnknownNameError
from tool_gym.scenario import Fault, TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Arguments, Bindings, Family, Parameters, Run, ToolFailure, precondition
from tool_gym.tools.codecs import ArgumentError
from tool_gym.tools.envelopes import Envelope
from tool_gym.turns import Outcome, ToolResult, failed
from tool_gym.validation import ArgumentValidator, check_schema
from tool_gym.world import BaseTables, Delta, World, WorldView

_LOG = logging.getLogger(__name__)
_OK = Outcome.OK
_ARGUMENT = re.compile(r"argument '\w+'")
_new = tuple.__new__  # half the time of a NamedTuple's own constructor


class CompiledTool(NamedTuple):
    """A tool bound to a world."""

    is_valid: Callable[[Any], bool]
    run: Run
    validator: ArgumentValidator
    decode: Callable[[Arguments], Arguments] | None = None
    """Turns valid arguments into the family's; raises `ArgumentError`. None where the schema alone decides."""


class _Tools(dict[str, CompiledTool]):
    """The tools of a runtime by name, each compiled when it is first looked up; raises KeyError for others."""

    __slots__ = ("_base", "_specs")

    def __init__(self, tools: tuple[ToolSpec, ...], base: BaseTables) -> None:
        super().__init__()
        self._base = base
        self._specs = {tool.name: (tool, *_checked(tool, base)) for tool in tools}

    @property
    def names(self) -> Collection[str]:
        """The names of all tools, compiled or not."""
        return self._specs

    def __missing__(self, name: str) -> CompiledTool:
        tool, family, bindings = self._specs[name]
        compiled = self._base.compiled.get(tool.digest)
        if compiled is None:
            compiled = self._base.compiled[tool.digest] = _compiled(tool, family, bindings, self._base)
        self[name] = compiled
        return compiled


class InProcessRuntime:
    """Runs a scenario's template tools over a world."""

    __slots__ = ("_base", "_faults", "_tools")

    def __init__(self, tools: tuple[ToolSpec, ...], world: World, faults: tuple[Fault, ...] = ()) -> None:
        """Check `tools` against `world`; each is compiled when it is first called.

        Raises:
            ScenarioError: If a tool is foreign source, or does not fit its family or the world.
        """
        self._base = world.base
        self._tools = _Tools(tools, world.base)
        self._faults = {fault.tool: fault.times for fault in faults}

    def start(self) -> InProcessSession:
        """Open the session of a new episode; costs no copy of the world."""
        return InProcessSession(self._base, self._tools, self._faults)


class InProcessSession:
    """One episode's tools and its copy-on-write view of the world."""

    __slots__ = ("_faults", "_tools", "_view")

    def __init__(self, base: BaseTables, tools: _Tools, faults: Mapping[str, int]) -> None:
        self._view = WorldView(base)
        self._tools = tools
        self._faults = faults

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one call; see `Session.call`."""
        try:
            tool = self._tools[name]
        except KeyError:
            return _unknown(name, self._tools.names)
        if not tool.is_valid(arguments):
            return failed(Outcome.INVALID_ARGUMENTS, tool.validator.explain(arguments) or "arguments do not fit")
        if tool.decode is not None or self._faults:
            try:
                arguments = self._admitted(name, tool, arguments)
            except ToolFailure as failure:
                return failed(failure.outcome, str(failure))
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

    def _admitted(self, name: str, tool: CompiledTool, arguments: Arguments) -> Arguments:
        """Return arguments that fit their schema as the tool takes them; raises ToolFailure, by a fault too."""
        if tool.decode is not None:
            try:
                arguments = tool.decode(arguments)
            except ArgumentError as error:
                raise ToolFailure(Outcome.INVALID_ARGUMENTS, str(error)) from None
        if self._faults.get(name, 0) > 0:
            self._faults = {**self._faults, name: self._faults[name] - 1}
            msg = f"{name} is briefly unavailable; the same call may be tried again"
            raise ToolFailure(Outcome.TRANSIENT_FAULT, msg)
        return arguments

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
    if impl.family not in FAMILIES:
        msg = f"tool {tool.name!r}: {UnknownNameError.of('tool family', impl.family, FAMILIES)}"
        raise ScenarioError(msg)
    family = FAMILIES[impl.family]
    try:
        bindings = impl.bound.bindings
        roles = family.parameters(bindings, base)
        check_schema(tool.parameters)
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
    _check_names(tool, impl)
    public = [
        name for name in tool.parameters.get("properties", {}) if name not in impl.inert and name not in impl.expected
    ]
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


def _check_names(tool: ToolSpec, impl: TemplateImpl) -> None:
    """Check that what is said of public parameters is said of ones that exist."""
    strange = [*impl.renames, *impl.inert, *impl.expected, *impl.codecs]
    unknown = [name for name in strange if name not in tool.parameters.get("properties", {})]
    if unknown:
        msg = f"its implementation speaks of {unknown[0]!r}, which is none of its parameters"
        raise ScenarioError(msg)


class _Fit:
    """The tables that a tool was last found to fit: another world of the same domain needs no second check."""

    __slots__ = ("bound", "schema")

    def __init__(self, _: ToolSpec) -> None:
        self.schema = b""
        self.bound: tuple[Family, Bindings] | None = None


def _checked(tool: ToolSpec, base: BaseTables) -> tuple[Family, Bindings]:
    """Return the family and checked bindings of a tool, which is checked once; raises as `check_tool`."""
    fit = tool.kept(_Fit)
    if fit.bound is None or fit.schema != base.schema:
        fit.bound = check_tool(tool, base)
        fit.schema = base.schema
    return fit.bound


def _validator(tool: ToolSpec) -> ArgumentValidator:
    return ArgumentValidator.of(tool.parameters)


def _compiled(tool: ToolSpec, family: Family, bindings: Bindings, base: BaseTables) -> CompiledTool:
    validator = tool.kept(_validator)
    run, impl = family.compile(bindings, base), tool.impl
    if not isinstance(impl, TemplateImpl):
        return CompiledTool(validator.is_valid, run, validator)
    return dressed(run, impl, validator, family.parameters(bindings, base))


def dressed(run: Run, impl: TemplateImpl, validator: ArgumentValidator, roles: Parameters) -> CompiledTool:
    """Return a family's run as the tool the model sees; exports print this too (`tool_gym.generators.export`).

    Args:
        run: What the family does on its world.
        impl: How the tool differs from its family.
        validator: Checks public arguments.
        roles: The family's own arguments.
    """
    if impl.retired:
        run = _refusing(impl.retired)
    if impl.renames:
        run = _naming(run, impl)
    if impl.envelope is not None:
        run = _wrapping(run, impl.envelope)
    if impl.codecs or impl.expected:
        return CompiledTool(validator.is_valid, run, validator, _decoding(impl, roles))
    if impl.renames or impl.constants or impl.inert:
        run = _translating(run, impl)
    return CompiledTool(validator.is_valid, run, validator)


def _translating(run: Run, impl: TemplateImpl) -> Run:
    constants = dict(impl.constants)
    if not impl.renames and not impl.inert:
        return lambda view, arguments: run(view, {**arguments, **constants})
    return lambda view, arguments: run(view, impl.translate(arguments))


def _decoding(impl: TemplateImpl, roles: Parameters) -> Callable[[Arguments], Arguments]:
    """Return what decodes arguments and holds them to the family's own schema."""
    plain = {impl.renames.get(name, name): name for name in impl.codecs}
    checks = [(role, name, ArgumentValidator.of(roles.properties[role])) for role, name in plain.items()]

    def decode(arguments: Arguments) -> Arguments:
        family = impl.translate(arguments)
        for role, name, validator in checks:
            if role in family and not validator.is_valid(family[role]):
                msg = f"argument {name!r}, read as {jsonio.dumps(family[role])[:60]}: {validator.explain(family[role])}"
                raise ArgumentError(msg)
        return family

    return decode


def _wrapping(run: Run, envelope: Envelope) -> Run:
    return lambda view, arguments: envelope.wrap(run(view, arguments))


def _refusing(reason: str) -> Run:
    def run(view: WorldView, arguments: Arguments) -> Any:
        del view, arguments
        raise precondition(reason)

    return run


def _naming(run: Run, impl: TemplateImpl) -> Run:
    """Return a run whose failures call arguments by the names the model knows."""
    names = {f"argument {role!r}": f"argument {name!r}" for name, role in impl.renames.items()}

    def named(view: WorldView, arguments: Arguments) -> Any:
        try:
            return run(view, arguments)
        except ToolFailure as failure:
            said = _ARGUMENT.sub(lambda match: names.get(match[0], match[0]), str(failure))
            raise ToolFailure(failure.outcome, said) from None

    return named


def _unknown(name: str, tools: Collection[str]) -> ToolResult:
    close = difflib.get_close_matches(name[:80], tools, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return failed(Outcome.UNKNOWN_TOOL, f"no tool is named {name[:80]!r}.{hint}")
