"""Mutations of what a request means, how its answer can be guessed, and where it leaks: G4 to G6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.generators.building import altered, parts_of, reads, with_cells, with_goal, with_tool, with_words
from tests.generators.mutation import Mutation, Mutations
from tool_gym import units
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import MIN_GROUP
from tool_gym.generators.expressions import Agg, ById, ByName, Create, Free, Higher, Top, Update
from tool_gym.generators.gates import g04_unique, g05_guess, g06_leak
from tool_gym.scenario import AnswerGoal, TemplateImpl, ToolSpec
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

mutations = Mutations()

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@mutations.of(g04_unique)
def name_that_two_rows_carry(candidate: Candidate) -> Candidate | None:
    for anchor in parts_of(candidate, ByName):
        name = candidate.world.tables[anchor.entity].rows[anchor.row]["name"]
        table, row = next((t, r) for t, spec in candidate.world.tables.items() for r in spec.rows if r != anchor.row)
        return altered(candidate, with_cells(candidate.world, {(table, row, "name"): name.upper()}))
    return None


@mutations.of(g04_unique)
def tie_for_an_extreme(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for top in parts_of(candidate, Top):
        first = evaluate.row(top)
        other = next(row for row in evaluate.group(top) if row["id"] != first["id"])
        cells = {(top.entity, other["id"], top.column): first[top.column]}
        return altered(candidate, with_cells(candidate.world, cells))
    return None


@mutations.of(g04_unique, least=1)
def tie_of_two_that_are_compared(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for higher in parts_of(candidate, Higher):
        first, second = evaluate.row(higher.first), evaluate.row(higher.second)
        cells = {(higher.entity, second["id"], higher.column): first[higher.column]}
        return altered(candidate, with_cells(candidate.world, cells))
    return None


@mutations.of(g04_unique)
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
        mutant = altered(candidate, with_cells(candidate.world, cells))
        if len(mutant.evaluator().group(group)) < MIN_GROUP:  # else what left was on the way to the group
            return mutant
    return None


def _parent_table(candidate: Candidate, group: Top | Agg) -> str:
    return candidate.world.tables[group.entity].columns[group.by or ""].table or ""


@mutations.of(g04_unique)
def name_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    for anchor in parts_of(candidate, ByName):
        name = candidate.world.tables[anchor.entity].rows[anchor.row]["name"]
        return altered(candidate, user_turns=(candidate.scenario.user_turns[0].replace(name, "that one"),))
    return None


@mutations.of(g04_unique)
def id_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    for anchor in parts_of(candidate, ById):
        return altered(candidate, user_turns=(candidate.scenario.user_turns[0].replace(anchor.row, "that one"),))
    return None


@mutations.of(g04_unique)
def value_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    for act in parts_of(candidate, Update, Create, Free):
        value = act.value if isinstance(act, Update) else act.date if isinstance(act, Free) else act.values[0][1]
        text = candidate.scenario.user_turns[0].replace(str(value), "so much")
        return altered(candidate, user_turns=(text,)) if str(value) in candidate.scenario.user_turns[0] else None
    return None


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
    mutations[_name] = Mutation(g05_guess, _answering(*_items))


@mutations.of(g05_guess, least=1)
def what_most_rows_have(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, AnswerGoal) or not isinstance(goal.gold, EnumValue):
        return None
    wanted: Any = candidate.evaluator().settled(candidate.draft.goal[0])
    rows = candidate.world.tables[wanted.source.entity].rows
    return altered(
        candidate,
        with_cells(candidate.world, {(wanted.source.entity, row, wanted.column): goal.gold.value for row in rows}),
    )


def _open_gold(candidate: Candidate, *kinds: type) -> Value | None:
    golds = [sub_goal.gold for sub_goal in reads(candidate)]
    return next((gold for gold in reversed(golds) if isinstance(gold, kinds)), None)


@mutations.of(g06_leak)
def answer_in_the_request(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, AnswerGoal) or isinstance(goal.gold, SequenceValue):
        return None
    return with_words(candidate, f"is it {display(goal.gold)}")


@mutations.of(g06_leak)
def sub_answer_in_the_request(candidate: Candidate) -> Candidate | None:
    found = [sub_goal.gold for sub_goal in reads(candidate) if not isinstance(sub_goal.gold, BooleanValue | EnumValue)]
    return with_words(candidate, f"it has to do with {_plain(found[0])}") if len(found) > 1 else None


@mutations.of(g06_leak)
def number_with_separators(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue)
    if not isinstance(gold, NumberValue) or gold.value < 1000:
        return None
    return with_words(candidate, f"I remember {gold.value:,} {gold.unit or ''}")


@mutations.of(g06_leak)
def number_in_another_unit(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue)
    if not isinstance(gold, NumberValue) or not units.partners(gold.unit or ""):
        return None
    other = units.partners(gold.unit or "")[0]
    value = units.convert(gold.value, gold.unit or "", other)
    return with_words(candidate, f"I remember {value:,.6f}{other}") if value and value > 0.001 else None


@mutations.of(g06_leak, least=1)
def number_in_words(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue)
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    if not isinstance(gold, NumberValue) or gold.value not in range(2, len(words)):
        return None
    return with_words(candidate, f"I think of {words[int(gold.value)]}")


@mutations.of(g06_leak)
def date_in_words(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, DateValue)
    if not isinstance(gold, DateValue):
        return None
    year, month, day = gold.value.split("-")
    return with_words(candidate, f"it was on {MONTHS[int(month) - 1]} {int(day)}, {year}")


@mutations.of(g06_leak)
def sub_answer_in_a_document(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue, DateValue, TextValue, NameValue)
    if gold is None:
        return None
    text = f"Returns {_plain(gold)} as a rule."
    return with_tool(candidate, lambda tool: tool.model_copy(update={"description": text}))


@mutations.of(g06_leak)
def sub_answer_as_a_default(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, NumberValue, DateValue, TextValue, NameValue)
    if gold is None or not candidate.scenario.tools[0].parameters["properties"]:
        return None
    return with_tool(candidate, lambda tool: _with_parameter(tool, {"default": _plain(gold)}))


@mutations.of(g06_leak, least=2)
def category_in_a_description(candidate: Candidate) -> Candidate | None:
    gold = _open_gold(candidate, EnumValue)
    if not isinstance(gold, EnumValue):
        return None
    return with_tool(candidate, lambda tool: _with_parameter(tool, {"description": f"mostly {gold.value}"}))


def _with_parameter(tool: ToolSpec, more: dict[str, Any]) -> ToolSpec:
    name, schema = next(iter(tool.parameters["properties"].items()))
    properties = {**tool.parameters["properties"], name: {**schema, **more}}
    return tool.model_copy(update={"parameters": {**tool.parameters, "properties": properties}})


@mutations.of(g06_leak)
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
