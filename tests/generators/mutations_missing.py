"""Mutations of requests about what is not there: it is there after all, or looking does not show that it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.generators.building import altered
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.expressions import Best, ByName, Top, Update
from tool_gym.generators.gates import g02_oracle, g03_differential, g11_unsolvable
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merges import PLAIN
from tool_gym.scenario import DeclineGoal
from tool_gym.world import World

mutations = Mutations()


@mutations.of(g11_unsolvable)
def row_that_is_there_after_all(candidate: Candidate) -> Candidate | None:
    missing = candidate.draft.missing
    return altered(candidate, missing.shadow) if missing is not None else None


@mutations.of(g11_unsolvable)
def name_that_is_one_letter_off(candidate: Candidate) -> Candidate | None:
    """A reader would take it for a slip of the pen."""
    missing = candidate.draft.missing
    if missing is None or not isinstance(missing.row, ByName):
        return None
    near = next(iter(candidate.world.tables[missing.row.entity].rows.values()))["name"]
    return with_name(candidate, f"{near[:-1]}{'x' if near[-1] != 'x' else 'z'}")


@mutations.of(g11_unsolvable)
def name_that_another_table_has(candidate: Candidate) -> Candidate | None:
    missing = candidate.draft.missing
    if missing is None or not isinstance(missing.row, ByName):
        return None
    other = next(table for key, table in candidate.world.tables.items() if key != missing.row.entity)
    return with_name(candidate, next(iter(other.rows.values()))["name"])


@mutations.of(g11_unsolvable)
def decline_without_a_look(candidate: Candidate) -> Candidate | None:
    return with_rest(candidate, ()) if candidate.draft.missing is not None else None


@mutations.of(g11_unsolvable, least=2)
def decline_after_half_a_look(candidate: Candidate) -> Candidate | None:
    if candidate.draft.missing is None or len(candidate.scenario.sub_goals) < 2:
        return None
    return with_rest(candidate, (candidate.scenario.sub_goals[0].id,))


@mutations.of(g11_unsolvable)
def tool_that_refuses_to_look(candidate: Candidate) -> Candidate | None:
    missing = candidate.draft.missing
    if missing is None or candidate.interface is None:
        return None
    entity, named = missing.row.entity, isinstance(missing.row, ByName)
    tool = candidate.interface.tool(
        ("find", entity) if named else ("summarize", entity, None, "sum", _number(candidate))
    )
    if not missing.refuses(tool):
        return None
    tools = tuple(t for t in candidate.scenario.tools if t.name != tool.name)
    return altered(candidate, tools=(*tools, tool))


@mutations.of(g11_unsolvable)
def search_that_comes_back_empty(candidate: Candidate) -> Candidate | None:
    """The best look at a name that none has, and not the one that the plan takes and the reward pays for."""
    missing = candidate.draft.missing
    if missing is None or not isinstance(missing.row, ByName) or candidate.interface is None:
        return None
    interface = Interface(candidate.interface.catalogue, replace(PLAIN, finding="fuzzy"))
    tool = interface.tool(("find", missing.row.entity)).model_copy(update={"name": "search_by_words"})
    return altered(candidate, tools=(*candidate.scenario.tools, tool))


@mutations.of(g11_unsolvable)
def tool_that_is_missing_too(candidate: Candidate) -> Candidate | None:
    """What would meet the request is hidden: it would be declined even if the row were there."""
    if candidate.draft.missing is None:
        return None
    used = {sub_goal.tool for sub_goal in candidate.scenario.sub_goals}
    left = tuple(tool for tool in candidate.scenario.tools if tool.name in used)
    gone = [tool for tool in candidate.scenario.tools if tool.name not in used]
    return altered(candidate, tools=left) if gone else None


@mutations.of(g11_unsolvable)
def request_that_does_not_say_what(candidate: Candidate) -> Candidate | None:
    if candidate.draft.missing is None:
        return None
    return altered(candidate, user_turns=("Can you look that one up for me?",))


@mutations.of(g11_unsolvable, least=2)
def another_value_said_than_is_meant(candidate: Candidate) -> Candidate | None:
    missing = candidate.draft.missing
    if missing is None or not isinstance(missing.wanted, Update):
        return None
    mutant = altered(candidate)
    wanted = replace(missing.wanted, value=123456789)
    mutant.draft = replace(candidate.draft, missing=replace(missing, wanted=wanted))
    return mutant


@mutations.of(g11_unsolvable, least=2)
def look_at_another_group(candidate: Candidate) -> Candidate | None:
    """The row that is missing would not be seen by the look, as it belongs elsewhere."""
    missing = candidate.draft.missing
    if missing is None or isinstance(missing.row, ByName):
        return None
    column, other = _elsewhere(candidate, missing.row)
    cells = {**missing.shadow.tables[missing.row.entity].rows[missing.phantom], column: other}
    return with_phantom(candidate, cells)


@mutations.of(g03_differential)
def count_that_is_not_what_is_there(candidate: Candidate) -> Candidate | None:
    if candidate.draft.missing is None:
        return None
    *before, last = candidate.scenario.sub_goals
    if last.gold is None or last.gold.kind != "number":
        return None
    wrong = last.model_copy(update={"gold": last.gold.model_copy(update={"value": last.gold.value + 1})})
    return altered(candidate, sub_goals=(*before, wrong))


@mutations.of(g02_oracle)
def look_that_is_not_in_the_plan(candidate: Candidate) -> Candidate | None:
    if candidate.draft.missing is None:
        return None
    plan = candidate.scenario.oracle()
    return altered(candidate, plans=(plan.model_copy(update={"steps": plan.steps[:-1]}),))


def with_rest(candidate: Candidate, rests_on: tuple[str, ...]) -> Candidate:
    goal = candidate.scenario.goals[0]
    assert isinstance(goal, DeclineGoal)
    return altered(candidate, goals=(goal.model_copy(update={"rests_on": rests_on}),))


def with_name(candidate: Candidate, name: str) -> Candidate:
    """The candidate with another name for what is missing, in its request and in the shadow."""
    missing = candidate.draft.missing
    assert missing is not None
    old = missing.shadow.tables[missing.row.entity].rows[missing.phantom]
    mutant = with_phantom(candidate, {**old, "name": name})
    lines = tuple(line.replace(old["name"], name) for line in candidate.scenario.user_turns)
    goal = candidate.scenario.goals[0]
    assert isinstance(goal, DeclineGoal)
    reason = goal.reason.replace(old["name"], name)
    mutant.scenario = altered(candidate, user_turns=lines, goals=(goal.model_copy(update={"reason": reason}),)).scenario
    return mutant


def with_phantom(candidate: Candidate, row: dict[str, Any]) -> Candidate:
    """The candidate with another row in the shadow."""
    missing = candidate.draft.missing
    assert missing is not None
    table = missing.shadow.tables[missing.row.entity]
    rows = {**table.rows, missing.phantom: row}
    tables = {**missing.shadow.tables, missing.row.entity: table.model_copy(update={"rows": rows})}
    shadow = World(domain=missing.shadow.domain, tables=tables)
    mutant = altered(candidate)
    mutant.draft = replace(candidate.draft, missing=replace(missing, shadow=shadow))
    return mutant


def _elsewhere(candidate: Candidate, row: Any) -> tuple[str, Any]:
    if isinstance(row, Best):
        column, value = row.filter
        values = candidate.world.tables[row.entity].columns[column].values
        return column, next(other for other in values if other != value)
    assert isinstance(row, Top)
    assert row.parent is not None
    parents = candidate.world.tables[row.parent.entity].rows
    own = candidate.evaluator().row(row.parent)["id"]
    return row.by or "", next(other for other in parents if other != own)


def _number(candidate: Candidate) -> str:
    missing = candidate.draft.missing
    assert missing is not None
    return candidate.domain.entities[missing.row.entity].of_type("integer", "number")[0]
