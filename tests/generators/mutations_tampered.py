"""Mutations of what a finished scenario says of itself: golds that let more pass, edges cut, rows given away."""

from __future__ import annotations

from typing import Any

from tests.generators.building import altered, with_sub_goal, with_words
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.gates import g01_schema, g03_differential, g06_leak, g07_needed
from tool_gym.scenario import AnswerGoal, Parent, Plan, SubGoal
from tool_gym.values import NameValue, NumberValue, TextValue, Value

mutations = Mutations()

_OTHER_SHAPE = {"single_hop": "multi_hop", "write": "read_then_write", "read_then_write": "write"}


# --- form ------------------------------------------------------------------------------------------------------------


@mutations.of(g01_schema)
def another_shape_than_it_says(candidate: Candidate) -> Candidate | None:
    shape = candidate.scenario.shape
    if shape in ("decline", "ask", "multi_turn"):
        return None
    return altered(candidate, shape=_OTHER_SHAPE.get(shape, "single_hop"))


@mutations.of(g01_schema)
def another_domain_than_its_world(candidate: Candidate) -> Candidate:
    return altered(candidate, domain="museum" if candidate.scenario.domain != "museum" else "energy")


@mutations.of(g01_schema)
def line_that_says_nothing(candidate: Candidate) -> Candidate:
    return altered(candidate, user_turns=(*candidate.scenario.user_turns[:-1], " …"))


# --- golds -----------------------------------------------------------------------------------------------------------


def with_gold(candidate: Candidate, kind: type[Value], **changes: Any) -> Candidate | None:
    """The candidate with the first answer of a kind changed."""
    goals = candidate.scenario.goals
    wanted = next((goal for goal in goals if isinstance(goal, AnswerGoal) and isinstance(goal.gold, kind)), None)
    if wanted is None:
        return None
    gold = wanted.gold.model_copy(update=changes)
    return altered(candidate, goals=tuple(g.model_copy(update={"gold": gold}) if g is wanted else g for g in goals))


@mutations.of(g03_differential)
def alias_that_is_another_row(candidate: Candidate) -> Candidate | None:
    rows = [row["name"] for table in candidate.world.tables.values() for row in table.rows.values()]
    return with_gold(candidate, NameValue, aliases=(rows[0], rows[-1]))


@mutations.of(g03_differential)
def tolerance_that_takes_neighbours(candidate: Candidate) -> Candidate | None:
    golds = [goal.gold for goal in candidate.scenario.goals if isinstance(goal, AnswerGoal)]
    number = next((gold.value for gold in golds if isinstance(gold, NumberValue)), None)
    return None if not number else with_gold(candidate, NumberValue, tolerance=abs(number) * 0.009)


@mutations.of(g03_differential)
def answer_in_another_unit(candidate: Candidate) -> Candidate | None:
    golds = [goal.gold for goal in candidate.scenario.goals if isinstance(goal, AnswerGoal)]
    unit = next((gold.unit for gold in golds if isinstance(gold, NumberValue)), None)
    if unit is None or type(candidate.draft.goal[0]).__name__ not in ("Attr", "Agg", "Convert"):
        return None
    return with_gold(candidate, NumberValue, unit="kg" if unit != "kg" else "h")


@mutations.of(g03_differential)
def sub_answer_that_takes_anything(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        if isinstance(sub_goal.gold, NumberValue):
            return with_sub_goal(candidate, number, gold=sub_goal.gold.model_copy(update={"tolerance": 1e9}))
    return None


@mutations.of(g03_differential)
def sub_answer_known_by_its_value_alone(candidate: Candidate) -> Candidate | None:
    """Whatever call serves the value would be paid for it."""
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        if sub_goal.gold is not None:
            return with_sub_goal(candidate, number, binding=None)
    return None


# --- what need not be found out --------------------------------------------------------------------------------------


@mutations.of(g06_leak)
def row_between_named_in_the_request(candidate: Candidate) -> Candidate | None:
    """The name of a row the plan must find, so that a search by name does for the hops that lead there."""
    given = [value for call in candidate.draft.calls for value in call.literals.values()]
    for gold in (sub_goal.gold for sub_goal in candidate.scenario.sub_goals if not sub_goal.effects):
        for table in candidate.world.tables.values() if isinstance(gold, TextValue) else ():
            name = table.rows.get(str(_plain(gold)), {}).get("name")
            if name is not None and name not in given and len(candidate.scenario.goals) == 1:
                return with_words(candidate, f"I think {name} has to do with it")
    return None


@mutations.of(g07_needed)
def sub_answer_given_instead_of_found_out(candidate: Candidate) -> Candidate | None:
    """A call that takes the sub-answer as if the user had said it: a guess would be paid for."""
    found = candidate.scenario.sub_goal_by_id
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        data = [parent for parent in sub_goal.parents if parent.kind == "data" and parent.id in found]
        if data and len(candidate.scenario.user_turns) == 1 and not sub_goal.effects:
            return _cut(candidate, number, data)
    return None


def _cut(candidate: Candidate, number: int, data: list[Parent]) -> Candidate:
    """The candidate with what a call takes from others written into its plans, and the goals resting on those."""
    scenario, sub_goal = candidate.scenario, candidate.scenario.sub_goals[number]
    parents = tuple(parent for parent in sub_goal.parents if parent not in data)
    also = tuple(parent.id for parent in data)
    goals = tuple(
        goal if goal.kind == "ask" else goal.model_copy(update={"rests_on": (*goal.rests_on, *also)})
        for goal in scenario.goals
    )
    plans = tuple(_with_literals(plan, sub_goal) for plan in scenario.plans)
    return altered(with_sub_goal(candidate, number, parents=parents), goals=goals, plans=plans)


def _with_literals(plan: Plan, sub_goal: SubGoal) -> Plan:
    given = {"literals": dict(sub_goal.arguments or {}), "references": {}}
    steps = (s.model_copy(update=given) if s.sub_goal == sub_goal.id else s for s in plan.steps)
    return plan.model_copy(update={"steps": tuple(steps)})


def _plain(gold: Value | None) -> Any:
    return gold.value if isinstance(gold, TextValue) else None
