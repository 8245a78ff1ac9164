"""The gates see through merged tools: each of the tools that one stands for is tried out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.generators.building import assemble, named, refusal, world_of
from tool_gym.generators.calls import Caller, Stock, impls, is_write, parts, template
from tool_gym.generators.decompose import Concept, Goal, RejectedError
from tool_gym.generators.expressions import Agg, Attr, ById, Cancel, Create, Transition, Update
from tool_gym.generators.gates import g02_oracle, g03_differential, g09_writes, g11_unsolvable
from tool_gym.generators.merges import PLAIN, Merges
from tool_gym.generators.reach import Reach

WORLD = world_of("energy")
ROWS = WORLD.tables
PLANT = next(iter(ROWS["plant"].rows))
INSPECTION = next(row for row, cells in ROWS["inspection"].rows.items() if cells["status"] == "scheduled")
TARGET = ById("inspection", INSPECTION)
COST = int(ROWS["inspection"].rows[INSPECTION]["cost"]) + 7
NEW = Create(
    "inspection",
    (("inspected_on", "2025-05-05"), ("duration", 7.5), ("cost", 900)),
    (("plant_id", named(WORLD, "plant")), ("crew_id", named(WORLD, "crew"))),
)
FAR: tuple[Concept, ...] = (("find", "operator"), ("get", "operator", "founded_on"))


def but(**choices: Any) -> Merges:
    """The plain tools, with some choices made otherwise."""
    return replace(PLAIN, **choices)


OPERATOR = ById("operator", str(ROWS["plant"].rows[PLANT]["operator_id"]))
UPDATE: Goal = (Update(TARGET, "cost", 900),)
UPDATE_COST: Goal = (Update(TARGET, "cost", COST),)
CANCEL: Goal = (Cancel(TARGET, "status", "cancelled"),)
START: Goal = (Transition(TARGET, "status", "started"),)
CAPACITY: Goal = (Attr(ById("plant", PLANT), "capacity"),)
OWNER: Goal = (Attr(ById("plant", PLANT), "operator_id"),)
COUNT: Goal = (Agg("plant", "count", None, "operator_id", OPERATOR),)

COVERED: list[tuple[str, Goal, Concept, Merges]] = [
    ("an update by creating or updating", UPDATE, ("create", "inspection"), but(saving="upsert")),
    ("a new row by creating or updating", (NEW,), ("update", "inspection", "cost"), but(saving="upsert")),
    ("an update of several columns", UPDATE, ("update", "inspection"), but(saving="patch")),
    ("an update of one column", UPDATE, ("update", "inspection", "cost"), but(saving="atomic")),
    ("a cancellation by any change", CANCEL, ("transition", "inspection", "status"), but(states="all")),
    ("a move by one state's tool", START, ("transition", "inspection", "status", "started"), but(states="atomic")),
    ("a count by a query", COUNT, ("search", "plant"), but(selection="query")),
    ("a count by optional groups", COUNT, ("list", "plant", None), but(selection="grouped")),
    ("a quantity in another unit", CAPACITY, ("measure", "plant", "capacity", "kW"), but(units="split")),
    ("a quantity in any unit", CAPACITY, ("get", "plant", "capacity"), but(units="merged")),
    ("who refers to it, by optional groups", OWNER, ("list", "plant", None), but(selection="grouped")),
]


@pytest.mark.parametrize(("goal", "tool", "merges"), [case[1:] for case in COVERED], ids=[case[0] for case in COVERED])
def test_a_request_that_a_merged_tool_meets_is_not_declined(goal: Goal, tool: Concept, merges: Merges) -> None:
    g11_unsolvable.check(refusal(goal, WORLD, FAR, merges=merges))
    with pytest.raises(RejectedError, match="a visible tool still"):
        g11_unsolvable.check(refusal(goal, WORLD, (*FAR, tool), merges=merges))


@pytest.mark.parametrize("state", ["atomic", "merged", "all"])
@pytest.mark.parametrize("saving", ["atomic", "by_field", "patch", "upsert"])
@pytest.mark.parametrize("act", [UPDATE_COST, (NEW,), CANCEL], ids=["update", "create", "cancel"])
def test_changes_through_merged_tools_are_proved(act: Any, saving: Any, state: Any) -> None:
    merges = but(saving=saving, states=state)
    extra: list[Concept] = [("create", "inspection"), ("update", "crew", "day_rate"), ("cancel", "plant", "status")]
    candidate = assemble(act, WORLD, merges=merges, extra=extra)
    g02_oracle.check(candidate)
    g03_differential.check(candidate)
    found = g09_writes.check(candidate)
    assert found is not None
    assert found["mutants"] >= 4


def test_what_a_merged_tool_reads_is_within_reach() -> None:
    """A tool for the lists of all tables shows what the list of one would have shown."""
    plain = assemble((Attr(named(WORLD, "plant"), "licensed_on"),), WORLD, extra=[("list", "crew", None)])
    merged = assemble(
        (Attr(named(WORLD, "plant"), "licensed_on"),),
        WORLD,
        merges=but(records="merged"),
        extra=[("list", "crew", None)],
    )
    told = [next(map(set, Reach(candidate, patience=100).rounds(1))) for candidate in (plain, merged)]
    assert told[0] < told[1]


def test_a_merged_tool_stands_for_its_parts() -> None:
    candidate = assemble((NEW,), WORLD, merges=but(saving="upsert"))
    (tool,) = [tool for tool in candidate.scenario.tools if is_write(tool)]
    found = parts(tool, WORLD.base)
    assert [part.chosen for part in found] == [{"mode": "create"}, {"mode": "update"}]
    assert (
        [template(part.tool).family for part in found] == [impl.family for impl in impls(tool)] == ["create", "update"]
    )
    calls = list(Caller(WORLD).attempts(found[1].tool, [INSPECTION]))
    assert calls
    assert all(call.keys() == {"id", "cost"} for call in calls)
    (find,) = [t for t in candidate.scenario.tools if template(t).family == "find" and "plant" in t.name]
    assert parts(find, WORLD.base)[0].tool is find
    assert list(Caller(WORLD).arguments(find, Stock.of(WORLD, names=["x"]))) == [{"name": "x"}]
