"""What a request speaks of is really not there, and looking shows it: part of gate G11.

No row carries the name, nor one that could be the same misspelt; the group is empty; nothing is of the category. The
request says what it speaks of. The look of the plan shows it, by a list with every row or by a count of nothing; no
visible tool refuses to look, which would cost what looking earns. And only the data is missing: in the shadow, a world
with one row more, the same look finds that row, and the request is met with the visible tools.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.calls import Caller, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Call, Draft, RejectedError, compile_goal
from tool_gym.generators.expressions import Best, ByName, Evaluator, Top, UndefinedError
from tool_gym.generators.gates.mentions import Mentions
from tool_gym.generators.missing import Missing, goal_of, is_like, meant
from tool_gym.scenario import ToolSpec
from tool_gym.values import leaves
from tool_gym.world import World, WorldView

GATE = "G11"


def check_missing(candidate: Candidate, missing: Missing) -> dict[str, Any]:
    """Reject the candidate if what it speaks of is there, or could be, or looking does not show that it is not."""
    if candidate.scenario.goals != (goal_of(candidate.draft, missing, candidate.world),):
        raise RejectedError(GATE, "a goal that is not to decline after a look")
    _check_absent(candidate, missing)
    _check_said(candidate, missing)
    if any(missing.refuses(tool) for tool in candidate.scenario.tools):
        raise RejectedError(GATE, "a tool that refuses to look")
    shown = _look(candidate, candidate.world)
    names = {row["name"] for row in candidate.world.tables[missing.row.entity].rows.values()}
    if isinstance(missing.row, ByName) and not names.issubset(leaves(shown)):
        raise RejectedError(GATE, "a look that does not show all there is")
    if missing.phantom not in leaves(_look(candidate, missing.shadow)):
        raise RejectedError(GATE, "a look that would not find it if it were there")
    _check_met(candidate, missing)
    return {"missing": type(missing.row).__name__, "compared": len(names)}


def _check_absent(candidate: Candidate, missing: Missing) -> None:
    row, evaluate = missing.row, candidate.evaluator()
    if isinstance(row, ByName):
        name = str(missing.shadow.tables[row.entity].rows[missing.phantom]["name"])
        others = (other["name"] for table in candidate.world.tables.values() for other in table.rows.values())
        if any(is_like(name, other) for other in others):
            raise RejectedError(GATE, "a name that some row could be meant by")
        return
    try:
        found = evaluate.group(row) if isinstance(row, Top | Best) else [evaluate.row(row)]
        alone = Evaluator(WorldView(missing.shadow.base)).row(row)["id"]
    except UndefinedError as error:
        raise RejectedError(GATE, f"undefined as it is: {error}") from None
    if found or alone != missing.phantom:
        raise RejectedError(GATE, "something that is there after all")


def _check_said(candidate: Candidate, missing: Missing) -> None:
    """Reject a request that does not say what it speaks of, or what is to be done to it."""
    said, row = Mentions(" ".join(candidate.scenario.user_turns)), missing.row
    named = row if isinstance(row, ByName) else row.parent if isinstance(row, Top) else None
    constants: list[Any] = [row.filter[1]] if isinstance(row, Best) else []
    if isinstance(named, ByName):
        constants.append(missing.shadow.tables[named.entity].rows[named.row]["name"])
    constants += [getattr(missing.wanted, "value", None)] if hasattr(missing.wanted, "value") else []
    if not constants or not all(said.has(constant) for constant in constants):
        raise RejectedError(GATE, "a constant that the request does not say")


def _look(candidate: Candidate, world: World) -> Any:
    """Return what the last call of the look shows in a world, a single page of it."""
    tools = [candidate.scenario.sub_goal_by_id[name].tool for name in candidate.draft.sub_goals]
    results = _run(world, candidate.draft, [candidate.scenario.tool_by_name[name] for name in tools])
    if results is None or results[-1].get("pages", 1) > 1:
        raise RejectedError(GATE, "a look that fails, or goes on for pages")
    return results[-1]


def _check_met(candidate: Candidate, missing: Missing) -> None:
    """Reject the candidate unless its request could be met if what it speaks of were there."""
    draft = compile_goal(meant(missing), missing.shadow)
    if candidate.interface is None:
        raise RejectedError(GATE, "no telling which tools would do it")
    draft, wanted = candidate.interface.integrate(draft)
    known = {candidate.origins.get(tool.name, tool).name: tool for tool in candidate.scenario.tools}
    tools = [known.get(tool.name) for tool in wanted]
    if None in tools or _run(missing.shadow, draft, [tool for tool in tools if tool is not None]) is None:
        raise RejectedError(GATE, "more is missing than a row")


def _run(world: World, draft: Draft, tools: list[ToolSpec]) -> list[Any] | None:
    """Make the calls of a draft in a world; return their results, or None if one fails."""
    caller, view, results = Caller(world), WorldView(world.base), list[Any]()
    for call, tool in zip(draft.calls, tools, strict=True):
        outcome = caller.call(caller.runs(tool), view, {**_given(call, results), **template(tool).constants})
        if not outcome.ok:
            return None
        results.append(outcome.shown)
    return results


def _given(call: Call, results: list[Any]) -> dict[str, Any]:
    given = dict(call.literals)
    for role, (number, path) in call.references.items():
        value = results[number]
        for part in path:
            value = value[part]
        given[role] = value
    return given
