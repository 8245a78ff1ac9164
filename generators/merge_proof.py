"""The proof of a merge: every call to the tools before it has one call after it that serves and changes the same.

Run side by side on the scenario's own world: the oracle's calls, and the same calls about other rows. What was proved
of a tool about other rows is remembered with the world, for all scenarios that share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym.generators.concepts import full_concept
from tool_gym.generators.decompose import Call, Draft, Path, RejectedError
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merges import ATOMIC
from tool_gym.generators.routes import Route
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.base import Arguments
from tool_gym.turns import ToolResult
from tool_gym.world import World

STAGE = "merge"
"""Stands for the gate of a draft whose merged tools are not proved."""

_SAMPLES = 3


def prove_merge(interface: Interface, draft: Draft, arguments: list[Arguments], world: World) -> dict[str, int]:
    """Prove the merges that a plan makes use of.

    Args:
        interface: The merged tools.
        draft: The plan before integration.
        arguments: Each call's arguments after integration, references resolved.
        world: Where both are run.

    Returns:
        How many of the plan's tools were merged into others, and each compared with the oracle's own arguments. (What
        other arguments a merge is compared with is done once a world, so their number says nothing of the scenario.)

    Raises:
        RejectedError: If a pair disagrees.
    """
    atomic, compared, merged = Interface(interface.catalogue, ATOMIC), 0, 0
    for call, resolved in zip(draft.calls, arguments, strict=True):
        concept = full_concept(call, interface.catalogue.domain)
        old, new = atomic.route(concept), interface.route(concept)
        if old.tool is new.tool:
            continue
        merged += 1
        before = original_arguments(call, new, resolved)
        key = repr(("merge", interface.catalogue.style.name, interface.merges, concept)).encode()
        for sample in (before, *(() if key in world.base.compiled else _samples(before, world))):
            shown = [made(call, route, sample, world) for route in (old, new)]
            if shown[0] != shown[1]:
                raise RejectedError(STAGE, f"{new.tool.name} differs from {old.tool.name}")
        compared += 1
        world.base.compiled[key] = True
    return {"merged": merged, "compared": compared}


def original_arguments(call: Call, route: Route, resolved: Arguments) -> Arguments:
    """Return a call's arguments as they were before it was rewritten."""
    return {
        role: call.literals[role] if role in route.dropped else resolved[route.roles.get(role, role)]
        for role in (*call.literals, *call.references)
    }


def made(call: Call, route: Route, arguments: Arguments, world: World) -> tuple[Any, Any]:
    """Make a call along a route and return what it serves where its value stands, and what it changes."""
    given = {route.roles.get(role, role): v for role, v in arguments.items() if role not in route.dropped}
    result = (
        InProcessRuntime((route.tool,), world)
        .start()
        .call(route.tool.name, _public(route.tool, {**given, **route.implied}))
    )
    path = route.paths.get(call.path, call.path)
    return _served(result, path), result.effects


def _public(tool: ToolSpec, family: Arguments) -> Arguments:
    impl = tool.impl
    return impl.public(family) if isinstance(impl, TemplateImpl) else family


def _served(result: ToolResult, path: Path) -> Any:
    """Return what stands at a path; nothing where the call failed or found no row, which some tools say by failing."""
    value = result.value if result.ok else None
    for part in path:
        try:
            value = value[part] if value is not None else None
        except (KeyError, IndexError):
            return None
    return value


def _samples(arguments: Arguments, world: World) -> Iterator[Arguments]:
    """Yield the arguments with each row's id replaced by those of some others of its table."""
    for role, value in arguments.items():
        table = next((name for name, spec in world.tables.items() if value in spec.rows), None)
        for row_id in list(world.tables[table].rows)[:_SAMPLES] if table is not None else ():
            yield {**arguments, role: row_id}
