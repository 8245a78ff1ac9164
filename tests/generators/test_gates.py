"""Gates under mutation: every known way to spoil a good candidate is caught, each by the gate meant for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.generators.building import (
    all_built,
    altered,
    assemble,
    built,
    parts_of,
    reads,
    with_cells,
    with_goal,
    with_sub_goal,
    with_tool,
    with_words,
    world_of,
)
from tool_gym import units
from tool_gym.errors import GenerationError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import Agg, Attr, ById, ByName, Create, Free, Higher, Top, Update
from tool_gym.generators.gates import (
    GATES,
    g01_schema,
    g02_oracle,
    g03_differential,
    g04_unique,
    g05_guess,
    g06_leak,
    g07_needed,
    g09_writes,
    g13_determinism,
    g14_duplicates,
    prove,
)
from tool_gym.scenario import (
    AnswerGoal,
    CellEffect,
    Parent,
    Plan,
    PlanStep,
    Reference,
    Scenario,
    StateGoal,
    SubGoal,
    TemplateImpl,
    ToolSpec,
)
from tool_gym.values import (
    BooleanValue,
    DateValue,
    EnumValue,
    NameValue,
    NumberValue,
    SequenceValue,
    TextValue,
    Value,
    display,
)

ENOUGH = 6
"""Mutants of one kind that are tried."""

MONTHS = (
    "January February March April May June July August September October November December"
).split()  # fmt: skip


class Mutation(NamedTuple):
    gate: Any
    make: Callable[[Candidate], Candidate | None]
    least: int = 3
    """Fewest candidates it must apply to, or the test shows nothing."""


MUTATIONS: dict[str, Mutation] = {}


def mutation(gate: Any, least: int = 3) -> Callable[[Callable[[Candidate], Candidate | None]], None]:
    def register(make: Callable[[Candidate], Candidate | None]) -> None:
        MUTATIONS[make.__name__] = Mutation(gate, make, least)

    return register


# --- G1 ---------------------------------------------------------------------------------------------------------------


@mutation(g01_schema)
def schema_that_is_none(candidate: Candidate) -> Candidate:
    return with_tool(candidate, lambda tool: tool.model_copy(update={"parameters": {"type": "nonsense"}}))


@mutation(g01_schema)
def schema_that_asks_for_more_than_the_oracle_gives(candidate: Candidate) -> Candidate | None:
    if not candidate.scenario.sub_goals:
        return None

    def stricter(tool: ToolSpec) -> ToolSpec:
        parameters = tool.parameters
        properties = {**parameters["properties"], "request_tag": {"type": "string"}}
        more = {**parameters, "properties": properties, "required": [*parameters["required"], "request_tag"]}
        inert = {name for name in (*tool.impl.inert, "request_tag")} if isinstance(tool.impl, TemplateImpl) else ()
        impl = tool.impl.model_copy(update={"inert": tuple(sorted(inert))})
        return tool.model_copy(update={"parameters": more, "impl": impl})

    name = candidate.scenario.sub_goals[0].tool
    return with_tool(candidate, stricter, [tool.name for tool in candidate.scenario.tools].index(name))


@mutation(g01_schema)
def oracle_argument_outside_a_closed_list(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        properties = candidate.scenario.tool_by_name[sub_goal.tool].parameters["properties"]
        for name in sub_goal.arguments or {}:
            if "enum" in properties[name]:
                return with_sub_goal(candidate, number, arguments={**(sub_goal.arguments or {}), name: "no such"})
    return None


@mutation(g01_schema)
def altered_id(candidate: Candidate) -> Candidate:
    scenario = candidate.scenario.model_copy(update={"id": "0" * 16})
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft)


@mutation(g01_schema)
def content_changed_under_its_id(candidate: Candidate) -> Candidate:
    scenario = candidate.scenario.model_copy(update={"user_turns": (candidate.scenario.user_turns[0] + " Thanks!",)})
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft)


@mutation(g01_schema)
def another_world_named(candidate: Candidate) -> Candidate:
    return altered(candidate, world_ref="0" * 16)


@mutation(g01_schema)
def tool_bound_to_what_the_world_lacks(candidate: Candidate) -> Candidate | None:
    for number, tool in enumerate(candidate.scenario.tools):
        if isinstance(tool.impl, TemplateImpl) and "table" in tool.impl.bindings:
            impl = tool.impl.model_copy(update={"bindings": {**tool.impl.bindings, "table": "nowhere"}})
            return with_tool(candidate, lambda tool, impl=impl: tool.model_copy(update={"impl": impl}), number)
    return None


# --- G2 ---------------------------------------------------------------------------------------------------------------


@mutation(g02_oracle)
def oracle_call_that_fails(candidate: Candidate) -> Candidate | None:
    for sub_goal in candidate.scenario.sub_goals:
        if sub_goal.arguments and "name" in sub_goal.arguments:
            return _with_argument(candidate, sub_goal, "name", "Nobody Knows")
    return None


@mutation(g02_oracle)
def oracle_call_about_another_row(candidate: Candidate) -> Candidate | None:
    for sub_goal in candidate.scenario.sub_goals:
        for name, value in (sub_goal.arguments or {}).items():
            for table in candidate.world.tables.values():
                if value in table.rows and not sub_goal.parents and not sub_goal.effects:
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


@mutation(g02_oracle)
def reference_that_goes_nowhere(candidate: Candidate) -> Candidate | None:
    return _with_reference(candidate, lambda reference: reference.model_copy(update={"path": ("nothing", 0)}))


@mutation(g02_oracle)
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


@mutation(g02_oracle)
def sub_goal_with_another_gold(candidate: Candidate) -> Candidate | None:
    return _with_wrong_sub_gold(candidate)


@mutation(g02_oracle)
def sub_goal_bound_to_another_question(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        if sub_goal.binding is not None:
            binding = sub_goal.binding.model_copy(update={"operation": "something else"})
            return with_sub_goal(candidate, number, binding=binding)
    return None


@mutation(g02_oracle)
def answer_no_one_can_write(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, AnswerGoal) or isinstance(goal.gold, SequenceValue):
        return None
    return with_goal(candidate, gold=TextValue(value="Answer: x"))


@mutation(g02_oracle)
def plan_missing(candidate: Candidate) -> Candidate:
    return altered(candidate, plans=())


@mutation(g02_oracle)
def plan_that_stops_early(candidate: Candidate) -> Candidate | None:
    steps = candidate.scenario.oracle().steps
    return altered(candidate, plans=(Plan(steps=steps[:-1]),)) if steps else None


# --- G3 ---------------------------------------------------------------------------------------------------------------


@mutation(g03_differential)
def another_answer(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    return with_goal(candidate, gold=_other(goal.gold)) if isinstance(goal, AnswerGoal) else None


@mutation(g03_differential)
def another_sub_answer(candidate: Candidate) -> Candidate | None:
    return _with_wrong_sub_gold(candidate)


@mutation(g03_differential)
def another_state_expected(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal):
        return None
    first = goal.required[0].model_copy(update={"after": "somewhere else"})
    return with_goal(candidate, required=(first, *goal.required[1:]))


@mutation(g03_differential)
def another_row_expected_to_change(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is None:
        return None
    rows = candidate.world.tables[goal.required[0].table].rows
    other = next(row for row in rows if row != goal.required[0].row)
    return with_goal(candidate, required=(goal.required[0].model_copy(update={"row": other}),))


@mutation(g03_differential)
def side_effect_allowed(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal):
        return None
    return with_goal(candidate, allowed=(CellEffect(table=goal.required[0].table, field="name", after="x"),))


@mutation(g03_differential)
def sub_goal_nobody_asked_for(candidate: Candidate) -> Candidate | None:
    if not candidate.scenario.sub_goals:
        return None
    more = candidate.scenario.sub_goals[0].model_copy(update={"id": "extra"})
    return altered(candidate, sub_goals=(*candidate.scenario.sub_goals, more))


@mutation(g03_differential)
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
    if isinstance(gold, SequenceValue):
        return SequenceValue(items=(*gold.items[:-1], _other(gold.items[-1])))
    if isinstance(gold, NumberValue):
        return gold.model_copy(update={"value": gold.value + 17})
    if isinstance(gold, DateValue):
        return gold.model_copy(update={"value": "1901-01-01"})
    if isinstance(gold, BooleanValue):
        return gold.model_copy(update={"value": not gold.value})
    return gold.model_copy(update={"value": f"{gold.value} two"})


# --- G4 ---------------------------------------------------------------------------------------------------------------


@mutation(g04_unique)
def name_that_two_rows_carry(candidate: Candidate) -> Candidate | None:
    for anchor in parts_of(candidate, ByName):
        name = candidate.world.tables[anchor.entity].rows[anchor.row]["name"]
        table, row = next((t, r) for t, spec in candidate.world.tables.items() for r in spec.rows if r != anchor.row)
        return altered(candidate, with_cells(candidate.world, {(table, row, "name"): name.upper()}))
    return None


@mutation(g04_unique)
def tie_for_an_extreme(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for top in parts_of(candidate, Top):
        first = evaluate.row(top)
        other = next(row for row in evaluate.group(top) if row["id"] != first["id"])
        cells = {(top.entity, other["id"], top.column): first[top.column]}
        return altered(candidate, with_cells(candidate.world, cells))
    return None


@mutation(g04_unique, least=1)
def tie_of_two_that_are_compared(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for higher in parts_of(candidate, Higher):
        first, second = evaluate.row(higher.first), evaluate.row(higher.second)
        cells = {(higher.entity, second["id"], higher.column): first[higher.column]}
        return altered(candidate, with_cells(candidate.world, cells))
    return None


@mutation(g04_unique)
def group_too_small(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for group in parts_of(candidate, Top, Agg):
        if group.by is None or (isinstance(group, Agg) and group.filter is not None):
            continue
        rows = evaluate.group(group)
        parent = evaluate.row(group.parent)["id"]
        others = [row for row in candidate.world.tables[_parent_table(candidate, group)].rows if row != parent]
        keep = evaluate.row(group)["id"] if isinstance(group, Top) else rows[0]["id"]
        leaving = [row["id"] for row in rows if row["id"] != keep][: len(rows) - 2]
        cells = {(group.entity, row_id, group.by): others[0] for row_id in leaving}
        return altered(candidate, with_cells(candidate.world, cells))
    return None


def _parent_table(candidate: Candidate, group: Top | Agg) -> str:
    return candidate.world.tables[group.entity].columns[group.by or ""].table or ""


@mutation(g04_unique)
def name_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    for anchor in parts_of(candidate, ByName):
        name = candidate.world.tables[anchor.entity].rows[anchor.row]["name"]
        return altered(candidate, user_turns=(candidate.scenario.user_turns[0].replace(name, "that one"),))
    return None


@mutation(g04_unique)
def id_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    for anchor in parts_of(candidate, ById):
        return altered(candidate, user_turns=(candidate.scenario.user_turns[0].replace(anchor.row, "that one"),))
    return None


@mutation(g04_unique)
def value_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    for act in parts_of(candidate, Update, Create, Free):
        value = act.value if isinstance(act, Update) else act.date if isinstance(act, Free) else act.values[0][1]
        text = candidate.scenario.user_turns[0].replace(str(value), "so much")
        return altered(candidate, user_turns=(text,)) if str(value) in candidate.scenario.user_turns[0] else None
    return None


# --- G5 ---------------------------------------------------------------------------------------------------------------


def _answering(*items: Value) -> Callable[[Candidate], Candidate | None]:
    def make(candidate: Candidate) -> Candidate | None:
        goal = candidate.scenario.goals[0]
        gold = items[0] if len(items) == 1 else SequenceValue(items=items)
        return with_goal(candidate, gold=gold) if isinstance(goal, AnswerGoal) else None

    return make


WORD = EnumValue(value="wind", allowed=("wind", "solar", "hydro"))
GUESSABLE: dict[str, tuple[Value, ...]] = {
    "zero": (NumberValue(value=0),),
    "one": (NumberValue(value=1.0, unit="kg"),),
    "zero_among_others": (NumberValue(value=64), NumberValue(value=0.0)),
    "yes_or_no": (BooleanValue(value=True),),
    "yes_and_no": (BooleanValue(value=True), BooleanValue(value=False)),
    "short_list": (WORD,),
    "short_list_and_nothing_else": (EnumValue(value="on", allowed=("on", "off")),),
    "same_number_twice": (NumberValue(value=64), NumberValue(value=64.0)),
    "same_name_twice": (NameValue(value="Amber"), TextValue(value="Amber")),
    "tolerance_that_forgives": (NumberValue(value=0.02, tolerance=0.005),),
}
for _name, _items in GUESSABLE.items():
    MUTATIONS[_name] = Mutation(g05_guess, _answering(*_items))


@mutation(g05_guess, least=1)
def what_most_rows_have(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, AnswerGoal) or not isinstance(goal.gold, EnumValue):
        return None
    wanted: Any = candidate.draft.goal[0]
    rows = candidate.world.tables[wanted.source.entity].rows
    return altered(
        candidate,
        with_cells(candidate.world, {(wanted.source.entity, row, wanted.column): goal.gold.value for row in rows}),
    )


# --- G6 ---------------------------------------------------------------------------------------------------------------


def _open_gold(candidate: Candidate, *kinds: type) -> Value | None:
    golds = [sub_goal.gold for sub_goal in reads(candidate)]
    return next((gold for gold in reversed(golds) if isinstance(gold, kinds)), None)


@mutation(g06_leak)
def answer_in_the_request(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, AnswerGoal) or isinstance(goal.gold, SequenceValue):
        return None
    return with_words(candidate, f"is it {display(goal.gold)}")


@mutation(g06_leak)
def sub_answer_in_the_request(candidate: Candidate) -> Candidate | None:
    found = [sub_goal.gold for sub_goal in reads(candidate) if not isinstance(sub_goal.gold, BooleanValue)]
    return with_words(candidate, f"it has to do with {_plain(found[0])}") if len(found) > 1 else None


@mutation(g06_leak)
def number_with_separators(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue)
    if not isinstance(gold, NumberValue) or gold.value < 1000:
        return None
    return with_words(candidate, f"I remember {gold.value:,} {gold.unit or ''}")


@mutation(g06_leak)
def number_in_another_unit(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue)
    if not isinstance(gold, NumberValue) or not units.partners(gold.unit or ""):
        return None
    other = units.partners(gold.unit or "")[0]
    value = units.convert(gold.value, gold.unit or "", other)
    return with_words(candidate, f"I remember {value:,.6f}{other}") if value and value > 0.001 else None


@mutation(g06_leak, least=1)
def number_in_words(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue)
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    if not isinstance(gold, NumberValue) or gold.value not in range(2, len(words)):
        return None
    return with_words(candidate, f"I think of {words[int(gold.value)]}")


@mutation(g06_leak)
def date_in_words(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, DateValue)
    if not isinstance(gold, DateValue):
        return None
    year, month, day = gold.value.split("-")
    return with_words(candidate, f"it was on {MONTHS[int(month) - 1]} {int(day)}, {year}")


@mutation(g06_leak)
def sub_answer_in_a_document(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue, DateValue, TextValue, NameValue)
    if gold is None:
        return None
    text = f"Returns {_plain(gold)} as a rule."
    return with_tool(candidate, lambda tool: tool.model_copy(update={"description": text}))


@mutation(g06_leak)
def sub_answer_as_a_default(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue, DateValue, TextValue, NameValue)
    if gold is None or not candidate.scenario.tools[0].parameters["properties"]:
        return None
    return with_tool(candidate, lambda tool: _with_parameter(tool, {"default": _plain(gold)}))


@mutation(g06_leak, least=2)
def category_in_a_description(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, EnumValue)
    if not isinstance(gold, EnumValue):
        return None
    return with_tool(candidate, lambda tool: _with_parameter(tool, {"description": f"mostly {gold.value}"}))


def _with_parameter(tool: ToolSpec, more: dict[str, Any]) -> ToolSpec:
    name, schema = next(iter(tool.parameters["properties"].items()))
    properties = {**tool.parameters["properties"], name: {**schema, **more}}
    return tool.model_copy(update={"parameters": {**tool.parameters, "properties": properties}})


@mutation(g06_leak)
def answer_in_an_error_message(candidate: Candidate) -> Candidate | None:
    """A tool that names the bounds of a column, one of which happens to be the answer."""
    gold = _open_gold(candidate, NumberValue)
    if not isinstance(gold, NumberValue):
        return None
    for table, spec in candidate.world.tables.items():
        for name, column in spec.columns.items():
            if column.type == "number" and column.low is not None:
                bounded = column.model_copy(update={"high": float(gold.value), "low": min(0.0, float(gold.value) - 1)})
                columns = {**spec.columns, name: bounded}
                tables = {**candidate.world.tables, table: spec.model_copy(update={"columns": columns})}
                world = candidate.world.model_copy(update={"tables": tables})
                return altered(candidate, world, tools=(*candidate.scenario.tools, _updater(table, name)))
    return None


def _updater(table: str, column: str) -> ToolSpec:
    properties = {
        "row_key": {"type": "string"},
        "field": {"type": "string", "enum": [column]},
        "value": {"type": "number"},
    }
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    impl = TemplateImpl(family="update", bindings={"table": table, "fields": [column]}, renames={"row_key": "id"})
    return ToolSpec(name="adjust_cell", description="Adjusts it.", parameters=parameters, impl=impl)


def _plain(gold: Any) -> str:
    return str(gold.value)


# --- G7 ---------------------------------------------------------------------------------------------------------------


@mutation(g07_needed)
def call_that_leads_nowhere(candidate: Candidate) -> Candidate | None:
    found = candidate.scenario.sub_goals
    if not found or found[-1].effects:
        return None
    extra = found[0].model_copy(update={"id": "extra", "arguments": {**(found[0].arguments or {}), "more": 1}})
    steps = (*candidate.scenario.oracle().steps, PlanStep(sub_goal="extra", literals=extra.arguments or {}))
    return altered(candidate, sub_goals=(*found, extra), plans=(Plan(steps=steps),))


@mutation(g07_needed)
def parent_that_gives_nothing(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals[1:], 1):
        names = {parent.id for parent in sub_goal.parents}
        other = next((s.id for s in candidate.scenario.sub_goals[:number] if s.id not in names), None)
        if other is not None:
            return with_sub_goal(candidate, number, parents=(*sub_goal.parents, Parent(id=other)))
    return None


@mutation(g07_needed)
def sub_goal_outside_the_plan(candidate: Candidate) -> Candidate | None:
    steps = candidate.scenario.oracle().steps
    return altered(candidate, plans=(Plan(steps=steps[:-1]),)) if len(steps) > 1 else None


@mutation(g07_needed, least=2)
def filter_that_everything_passes(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for agg in parts_of(candidate, Agg):
        if agg.filter is not None:
            column, value = agg.filter
            plain = Agg(agg.entity, agg.operation, agg.column, agg.by, agg.parent)
            cells = {(agg.entity, row["id"], column): value for row in evaluate.group(plain)}
            return altered(candidate, with_cells(candidate.world, cells))
    return None


# --- G9 ---------------------------------------------------------------------------------------------------------------


@mutation(g09_writes)
def goal_met_at_the_start(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    return with_goal(candidate, rests_on=()) if isinstance(goal, AnswerGoal) else None


@mutation(g09_writes)
def goal_met_by_a_part_of_the_plan(candidate: Candidate) -> Candidate | None:
    goal, found = candidate.scenario.goals[0], candidate.scenario.sub_goals
    if not isinstance(goal, AnswerGoal) or len(found) < 2:
        return None
    return with_goal(candidate, rests_on=(found[0].id,))


@mutation(g09_writes)
def goal_the_plan_does_not_reach(candidate: Candidate) -> Candidate | None:
    return another_state(candidate)


def another_state(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal):
        return None
    return with_goal(candidate, required=(*goal.required, goal.required[0].model_copy(update={"after": "more"})))


@mutation(g09_writes)
def change_made_to_a_wrong_row_accepted(candidate: Candidate) -> Candidate | None:
    """A new row whose reference may be any: the expected state leaves it open."""
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is not None:
        return None
    cell = next(cell for cell in goal.required if cell.field.endswith("_id"))
    target = candidate.world.tables[cell.table].columns[cell.field].table or ""
    allowed = tuple(cell.model_copy(update={"after": row}) for row in candidate.world.tables[target].rows)
    return _loosened(candidate, goal, cell, allowed)


@mutation(g09_writes)
def change_to_a_wrong_value_accepted(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is not None:
        return None
    cell = next(cell for cell in goal.required if isinstance(cell.after, int | float))
    allowed = tuple(cell.model_copy(update={"after": cell.after + step}) for step in (-1, 0, 1))  # type: ignore[operator]
    return _loosened(candidate, goal, cell, allowed)


def _loosened(candidate: Candidate, goal: StateGoal, cell: CellEffect, allowed: tuple[CellEffect, ...]) -> Candidate:
    """The candidate with one cell of a new row left open, and credit for the state alone."""
    required = tuple(other for other in goal.required if other is not cell)
    rests_on = tuple(parent.id for parent in candidate.scenario.sub_goals[-1].parents)
    return with_goal(candidate, required=required, allowed=allowed, rests_on=rests_on)


@mutation(g09_writes)
def change_made_twice_accepted(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is not None:
        return None
    number = max(int(row[len(table.prefix) :]) for table in [_table(candidate, goal)] for row in table.rows)
    table = _table(candidate, goal)
    again = CellEffect(table=goal.required[0].table, field="name", after=f"{table.code or table.prefix}-{number + 2}")
    return with_goal(candidate, allowed=(*goal.required, again))


def _table(candidate: Candidate, goal: StateGoal) -> Any:
    return candidate.world.tables[goal.required[0].table]


@mutation(g09_writes)
def one_change_too_many_accepted(candidate: Candidate) -> Candidate | None:
    """Another row of the same table may change as well."""
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is None:
        return None
    cell, columns = goal.required[0], _table(candidate, goal).columns
    values = [cell.after, columns[cell.field].low, columns[cell.field].high, *columns[cell.field].values]
    allowed = tuple(
        CellEffect(table=cell.table, row=row, field=cell.field, after=value)
        for row in _table(candidate, goal).rows
        for value in values
        if value is not None
    )
    return with_goal(candidate, allowed=allowed)


@mutation(g09_writes)
def value_out_of_bounds(candidate: Candidate) -> Candidate | None:
    """The tools let pass what the world does not allow."""
    for act in parts_of(candidate, Update) if candidate.scenario.sub_goals else ():
        spec = candidate.world.tables[act.target.entity]
        column = spec.columns[act.column].model_copy(update={"low": -2.0, "high": -1.0})
        tables = {
            **candidate.world.tables,
            act.target.entity: spec.model_copy(update={"columns": {**spec.columns, act.column: column}}),
        }
        strict = candidate.world.model_copy(update={"tables": tables})
        mutant = Candidate(candidate.scenario, strict, candidate.domain, candidate.draft)
        mutant._runtime = candidate.runtime
        return mutant
    return None


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good() -> list[Candidate]:
    return [*all_built(), *more_built()]


def more_built() -> Iterator[Candidate]:
    for number in range(1, 6):
        for domain in ("energy", "museum", "clinic"):
            for shape in ("parallel_multi_hop", "single_hop", "write", "parallel_single_hop"):
                yield built(domain, shape, number)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.GATE)
def test_good_candidates_pass(gate: Any, good: list[Candidate]) -> None:
    for candidate in good:
        gate.check(candidate)


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutants_are_caught(name: str, good: list[Candidate]) -> None:
    gate, make, least = MUTATIONS[name]
    caught = 0
    for candidate in good:
        mutant = make(candidate)
        if mutant is None or caught == ENOUGH:
            continue
        with pytest.raises(RejectedError) as rejection:
            gate.check(mutant)
        assert rejection.value.gate == gate.GATE, rejection.value
        with pytest.raises(RejectedError):
            prove(mutant)
        caught += 1
    assert caught >= least


def test_every_gate_has_mutants() -> None:
    for gate in GATES:
        if gate.GATE not in ("G8", "G11"):  # these have files of their own
            assert any(mutation.gate is gate for mutation in MUTATIONS.values())


def test_a_state_told_by_an_error_message_is_caught() -> None:
    world = world_of("energy")
    row = next(row for row, cells in world.tables["inspection"].rows.items() if cells["status"] == "passed")
    goal = (Attr(ById("inspection", row), "status"),)
    g06_leak.check(assemble(goal, world, shape="single_hop"))
    g06_leak.check(assemble(goal, world, shape="single_hop", extra=[("cancel", "plant", "status")]))
    for family in ("cancel", "transition"):
        mutant = assemble(goal, world, shape="single_hop", extra=[(family, "inspection", "status")])
        with pytest.raises(RejectedError, match="error message"):
            g06_leak.check(mutant)


class TestDeterminism:
    def test_equal_scenarios_are_counted(self) -> None:
        scenarios = [built("energy", shape).scenario for shape in ("single_hop", "write")]
        assert g13_determinism.check(scenarios * 100, lambda scenario: scenario) == 2

    def test_a_builder_that_changes_its_mind_is_caught(self) -> None:
        scenario = built("energy", "single_hop").scenario

        def rebuild(scenario: Scenario) -> Scenario:
            return scenario.model_copy(update={"user_turns": ("Something else?",)}).with_id()

        with pytest.raises(GenerationError, match="came out differently"):
            g13_determinism.check([scenario], rebuild)

    def test_a_builder_that_finds_nothing_is_caught(self) -> None:
        with pytest.raises(GenerationError, match="came out differently"):
            g13_determinism.check([built("energy", "single_hop").scenario], lambda _: None)


class TestDuplicates:
    def test_different_scenarios_pass(self, good: list[Candidate]) -> None:
        register = g14_duplicates.Register()
        accepted = 0
        for candidate in good:
            try:
                register.check(candidate, candidate.scenario.user_turns[0])
                accepted += 1
            except RejectedError as rejection:
                assert rejection.gate == "G14"
        assert accepted > len(good) * 0.95

    def test_the_same_goal_is_caught_in_other_words(self) -> None:
        register, candidate = g14_duplicates.Register(), built("energy", "multi_hop")
        register.check(candidate, candidate.scenario.user_turns[0])
        with pytest.raises(RejectedError, match="the same goal"):
            register.check(candidate, "Quite another text about nothing in particular, as far as one can see.")

    def test_the_same_questions_in_another_order_are_caught(self) -> None:
        register, candidate = g14_duplicates.Register(), built("energy", "parallel_single_hop")
        register.check(candidate, candidate.scenario.user_turns[0])
        draft = candidate.draft.__class__(candidate.draft.goal[::-1], candidate.draft.calls, candidate.draft.outputs)
        other = Candidate(candidate.scenario, candidate.world, candidate.domain, draft)
        with pytest.raises(RejectedError, match="the same goal"):
            register.check(other, "Quite another text about nothing in particular, as far as one can see.")

    def test_nearly_the_same_words_are_caught_about_another_row(self) -> None:
        register, candidate = g14_duplicates.Register(), built("energy", "multi_hop")
        text = (
            "Could you tell me the capacity of the power plant Amber Ridge Station, please, because I need it for the "
            "yearly report on 2024-03-01 with 12 pages?"
        )
        register.check(candidate, text)
        other = built("energy", "single_hop")
        with pytest.raises(RejectedError, match="nearly the same words"):
            register.check(other, text.replace("2024-03-01", "2025-11-30").replace("12 pages", "15 pages"))
        register.check(other, "Of all the inspections that were ever carried out here, which one took the longest?")

    def test_names_ids_and_numbers_are_masked(self) -> None:
        candidate = next(c for c in map(lambda n: built("energy", "multi_hop", n), range(20)) if parts_of(c, ByName))
        anchor = parts_of(candidate, ByName)[0]
        name = candidate.world.tables[anchor.entity].rows[anchor.row]["name"]
        assert g14_duplicates.masked(candidate, f"{name} and INS-48211 and PL1234 at 1,200.5") == "* and # and # at #"
