"""Mutations of form, oracle and expected outcome: G1 to G3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.generators.building import altered, with_goal, with_sub_goal, with_tool
from tests.generators.mutation import Mutations
from tool_gym.generators.calls import template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.gates import g01_schema, g02_oracle, g03_differential
from tool_gym.scenario import AnswerGoal, CellEffect, Plan, Reference, StateGoal, SubGoal, TemplateImpl, ToolSpec
from tool_gym.values import BooleanValue, DateValue, NumberValue, SequenceValue, SetValue, TextValue, Value

mutations = Mutations()


@mutations.of(g01_schema)
def schema_that_is_none(candidate: Candidate) -> Candidate:
    return with_tool(candidate, lambda tool: tool.model_copy(update={"parameters": {"type": "nonsense"}}))


@mutations.of(g01_schema)
def schema_that_asks_for_more_than_the_oracle_gives(candidate: Candidate) -> Candidate | None:
    if not candidate.scenario.sub_goals:
        return None

    def stricter(tool: ToolSpec) -> ToolSpec:
        parameters = tool.parameters
        properties = {**parameters["properties"], "request_code": {"type": "string"}}
        more = {**parameters, "properties": properties, "required": [*parameters["required"], "request_code"]}
        impl = template(tool)
        impl = impl.model_copy(update={"inert": (*impl.inert, "request_code")})
        return tool.model_copy(update={"parameters": more, "impl": impl})

    name = candidate.scenario.sub_goals[0].tool
    return with_tool(candidate, stricter, [tool.name for tool in candidate.scenario.tools].index(name))


@mutations.of(g01_schema)
def oracle_argument_outside_a_closed_list(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        properties = candidate.scenario.tool_by_name[sub_goal.tool].parameters["properties"]
        for name in sub_goal.arguments or {}:
            if "enum" in properties[name]:
                return with_sub_goal(candidate, number, arguments={**(sub_goal.arguments or {}), name: "no such"})
    return None


@mutations.of(g01_schema)
def altered_id(candidate: Candidate) -> Candidate:
    scenario = candidate.scenario.model_copy(update={"id": "0" * 16})
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft)


@mutations.of(g01_schema)
def content_changed_under_its_id(candidate: Candidate) -> Candidate:
    scenario = candidate.scenario.model_copy(update={"user_turns": (candidate.scenario.user_turns[0] + " Thanks!",)})
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft)


@mutations.of(g01_schema)
def another_world_named(candidate: Candidate) -> Candidate:
    return altered(candidate, world_ref="0" * 16)


@mutations.of(g01_schema)
def tool_bound_to_what_the_world_lacks(candidate: Candidate) -> Candidate | None:
    for number, tool in enumerate(candidate.scenario.tools):
        if isinstance(tool.impl, TemplateImpl) and "table" in tool.impl.bindings:
            return with_tool(candidate, _bound_to_nothing, number)
    return None


def _bound_to_nothing(tool: ToolSpec) -> ToolSpec:
    impl = template(tool)
    return tool.model_copy(update={"impl": impl.model_copy(update={"bindings": {**impl.bindings, "table": "nowhere"}})})


@mutations.of(g02_oracle)
def oracle_call_that_fails(candidate: Candidate) -> Candidate | None:
    for sub_goal in candidate.scenario.sub_goals:
        if sub_goal.arguments and "name" in sub_goal.arguments:
            return _with_argument(candidate, sub_goal, "name", "Nobody Knows")
    return None


@mutations.of(g02_oracle)
def oracle_call_about_another_row(candidate: Candidate) -> Candidate | None:
    for sub_goal in candidate.scenario.sub_goals:
        for name, value in (sub_goal.arguments or {}).items():
            for table in candidate.world.tables.values():
                if isinstance(value, str) and value in table.rows and not sub_goal.parents and not sub_goal.effects:
                    other = next(row for row in table.rows if row != value)
                    return _with_argument(candidate, sub_goal, name, other)
    return None


def _with_argument(candidate: Candidate, sub_goal: SubGoal, name: str, value: Any) -> Candidate:
    number = candidate.scenario.sub_goals.index(sub_goal)
    changed = with_sub_goal(candidate, number, arguments={**(sub_goal.arguments or {}), name: value})
    steps = tuple(
        step.model_copy(update={"literals": {**step.literals, name: value}}) if step.sub_goal == sub_goal.id else step
        for step in candidate.scenario.oracle().steps
    )
    return altered(changed, plans=(Plan(steps=steps),))


@mutations.of(g02_oracle)
def reference_that_goes_nowhere(candidate: Candidate) -> Candidate | None:
    return _with_reference(candidate, lambda reference: reference.model_copy(update={"path": ("nothing", 0)}))


@mutations.of(g02_oracle)
def reference_to_another_part_of_a_result(candidate: Candidate) -> Candidate | None:
    return _with_reference(
        candidate, lambda reference: reference.model_copy(update={"path": (*reference.path[:-1], "name")})
    )


def _with_reference(candidate: Candidate, change: Callable[[Reference], Reference]) -> Candidate | None:
    steps = list(candidate.scenario.oracle().steps)
    for number, step in enumerate(steps):
        for name, reference in step.references.items():
            steps[number] = step.model_copy(update={"references": {**step.references, name: change(reference)}})
            return altered(candidate, plans=(Plan(steps=tuple(steps)),))
    return None


@mutations.of(g02_oracle)
def sub_goal_with_another_gold(candidate: Candidate) -> Candidate | None:
    return _with_wrong_sub_gold(candidate)


@mutations.of(g02_oracle)
def sub_goal_bound_to_another_question(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        if sub_goal.binding is not None:
            binding = sub_goal.binding.model_copy(update={"operation": "something else"})
            return with_sub_goal(candidate, number, binding=binding)
    return None


@mutations.of(g02_oracle)
def answer_no_one_can_write(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, AnswerGoal) or isinstance(goal.gold, SequenceValue):
        return None
    return with_goal(candidate, gold=TextValue(value="Answer: x"))


@mutations.of(g02_oracle)
def plan_missing(candidate: Candidate) -> Candidate:
    return altered(candidate, plans=())


@mutations.of(g02_oracle)
def plan_that_stops_early(candidate: Candidate) -> Candidate | None:
    steps = candidate.scenario.oracle().steps
    return altered(candidate, plans=(Plan(steps=steps[:-1]),)) if steps else None


@mutations.of(g03_differential)
def another_answer(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    return with_goal(candidate, gold=_other(goal.gold)) if isinstance(goal, AnswerGoal) else None


@mutations.of(g03_differential)
def another_sub_answer(candidate: Candidate) -> Candidate | None:
    return _with_wrong_sub_gold(candidate)


@mutations.of(g03_differential)
def another_state_expected(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal):
        return None
    first = goal.required[0].model_copy(update={"after": "somewhere else"})
    return with_goal(candidate, required=(first, *goal.required[1:]))


@mutations.of(g03_differential)
def another_row_expected_to_change(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is None:
        return None
    rows = candidate.world.tables[goal.required[0].table].rows
    other = next(row for row in rows if row != goal.required[0].row)
    return with_goal(candidate, required=(goal.required[0].model_copy(update={"row": other}),))


@mutations.of(g03_differential)
def side_effect_allowed(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal):
        return None
    return with_goal(candidate, allowed=(CellEffect(table=goal.required[0].table, field="name", after="x"),))


@mutations.of(g03_differential)
def sub_goal_nobody_asked_for(candidate: Candidate) -> Candidate | None:
    if not candidate.scenario.sub_goals:
        return None
    more = candidate.scenario.sub_goals[0].model_copy(update={"id": "extra"})
    return altered(candidate, sub_goals=(*candidate.scenario.sub_goals, more))


@mutations.of(g03_differential)
def refusal_wanted_though_it_can_be_done(candidate: Candidate) -> Candidate | None:
    if candidate.scenario.shape != "decline":
        return None
    return altered(candidate, shape="single_hop")


def _with_wrong_sub_gold(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        if sub_goal.gold is not None:
            return with_sub_goal(candidate, number, gold=_other(sub_goal.gold))
    return None


def _other(gold: Value) -> Value:
    if isinstance(gold, SequenceValue | SetValue):
        return SequenceValue(items=(*gold.items[:-1], _other(gold.items[-1])))
    if isinstance(gold, NumberValue):
        return gold.model_copy(update={"value": gold.value + 17})
    if isinstance(gold, DateValue):
        return gold.model_copy(update={"value": "1901-01-01"})
    if isinstance(gold, BooleanValue):
        return gold.model_copy(update={"value": not gold.value})
    return gold.model_copy(update={"value": f"{gold.value} two"})
