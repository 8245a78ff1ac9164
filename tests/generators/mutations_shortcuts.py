"""Tools, and things said before, by which what a plan finds out is had sooner: gate G8 must see each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.generators.building import altered, with_cells
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Concept
from tool_gym.generators.gates import g08_shortcut
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merges import PLAIN, Merges
from tool_gym.scenario import SubGoal
from tool_gym.values import NumberValue

mutations = Mutations()


@mutations.of(g08_shortcut)
def row_told_beforehand(candidate: Candidate) -> Candidate | None:
    """An earlier user turn has shown the row that the plan takes several calls to find."""
    read = _late_figure(candidate)
    return None if read is None else replace(candidate, told={read.binding.row: None})  # type: ignore[union-attr]  # a read has one


@mutations.of(g08_shortcut)
def order_of_the_whole_table(candidate: Candidate) -> Candidate | None:
    """The figure is the largest of all, and a search that sorts by it shows it at once."""
    read = _late_figure(candidate)
    return None if read is None else _greatest(candidate, read, ("search", _entity(read)))


@mutations.of(g08_shortcut)
def statistic_of_the_whole_table(candidate: Candidate) -> Candidate | None:
    """The figure is the largest of all, and so a maximum."""
    read = _late_figure(candidate)
    if read is None or read.binding is None:
        return None
    return _greatest(candidate, read, ("summarize", _entity(read), None, "maximum", read.binding.field))


@mutations.of(g08_shortcut, least=2)
def record_that_does_for_two(candidate: Candidate) -> Candidate | None:
    """Two cells of one row, and a tool that shows the whole row."""
    seen: dict[Any, str | None] = {}
    for sub_goal in candidate.scenario.sub_goals:
        binding = sub_goal.binding
        if binding is None or binding.operation != "read":
            continue
        if seen.setdefault(binding.row, binding.field) != binding.field:
            return _with_tool(candidate, ("get", binding.entity, binding.field), replace(PLAIN, getters="record"))
    return None


def _late_figure(candidate: Candidate) -> SubGoal | None:
    """A figure read of a row that some call has to find first, in a request of one user turn."""
    scenario = candidate.scenario
    if scenario.shape not in ("multi_hop", "parallel_multi_hop", "read_then_write"):
        return None
    passed_on = {parent.id for sub_goal in scenario.sub_goals for parent in sub_goal.parents if not sub_goal.effects}
    for sub_goal in scenario.sub_goals:
        binding, parents = sub_goal.binding, [scenario.sub_goal_by_id[parent.id] for parent in sub_goal.parents]
        compared = any(parent.binding is not None and parent.binding.operation == "compare" for parent in parents)
        if binding is None or binding.operation != "read" or sub_goal.id in passed_on or not parents or compared:
            continue
        if isinstance(sub_goal.gold, NumberValue) and float(sub_goal.gold.value) > _least(candidate, sub_goal):
            return sub_goal
    return None


def _greatest(candidate: Candidate, read: SubGoal, concept: Concept) -> Candidate:
    """The candidate with a tool, in a world in which no row has a larger figure than the one that is read."""
    entity, field, value = _entity(read), str(read.binding.field), read.gold.value  # type: ignore[union-attr]  # a figure that is read
    rows = candidate.world.tables[entity].rows
    small = _least(candidate, read)
    cells = {(entity, row, field): small for row in rows if rows[row][field] >= value and row != read.binding.row}  # type: ignore[union-attr]  # as above
    return _with_tool(altered(candidate, with_cells(candidate.world, cells)), concept)


def _least(candidate: Candidate, read: SubGoal) -> Any:
    column = candidate.world.tables[_entity(read)].columns[str(read.binding.field)]  # type: ignore[union-attr]  # a read has one
    return int(column.low) if column.type == "integer" and isinstance(column.low, float) else column.low


def _entity(read: SubGoal) -> str:
    return str(read.binding.entity)  # type: ignore[union-attr]  # a read has one


def _with_tool(candidate: Candidate, concept: Concept, merges: Merges = PLAIN) -> Candidate:
    """The candidate with one more tool, in plain words, under a name that no other has."""
    interface = candidate.interface
    if interface is None:
        msg = "the candidate has no interface to take a tool from"
        raise ValueError(msg)
    tool = Interface(interface.catalogue, merges).tool(concept)
    return altered(candidate, tools=(*candidate.scenario.tools, tool.model_copy(update={"name": f"{tool.name}_more"})))
