"""G6: neither the answer nor a sub-answer can be read off the request, the tools' documents or their error messages.

In FTRL's released test split 13 % of the final answers are words of the question and 9 % of the sub-answers stand
in the documents. A value of a closed list may stand in a tool's enum, where G5 bounds what it gives away; so may yes
and no anywhere. Numbers are looked for in every unit they convert into, dates in every form they are written in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym import jsonio, units
from tool_gym.generators.calls import Caller, Stock, is_write, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates.mentions import Mentions, mentions_of
from tool_gym.scenario import AnswerGoal, ToolSpec
from tool_gym.values import BooleanValue, EnumValue, NumberValue, SequenceValue, SetValue, Value, leaves
from tool_gym.world import WorldView

GATE = "G6"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if a gold can be had without a call that serves it; return the error messages read."""
    scenario = candidate.scenario
    golds = [(goal.gold, "answer") for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    golds += [(sub_goal.gold, "sub-answer") for sub_goal in scenario.sub_goals if sub_goal.gold is not None]
    flat = [(value, what) for gold, what in golds for value in _flat(gold)]
    request = Mentions(" ".join(scenario.user_turns))
    for value, what in flat:
        if _says(request, value):
            raise RejectedError(GATE, f"the {what} stands in the request")
    for closed in {isinstance(value, EnumValue) for value, _ in flat}:
        documents = [_read(tool, enums=not closed) for tool in scenario.tools]
        for value, what in flat:
            if isinstance(value, EnumValue) == closed and any(_says(document, value) for document in documents):
                raise RejectedError(GATE, f"the {what} stands in a tool's document")
    messages = set(_messages(candidate))
    for message, given in messages:
        said = mentions_of(message)
        for value, what in flat:
            if _plain(value) not in given and _says(said, value):
                raise RejectedError(GATE, f"the {what} stands in an error message")
    return {"messages": len(messages)}


def _says(said: Mentions, value: Value) -> bool:
    if isinstance(value, BooleanValue):
        return False
    if isinstance(value, NumberValue):
        converted = (units.convert(value.value, value.unit or "", unit) for unit in units.partners(value.unit or ""))
        return any(number is not None and said.has(number) for number in (value.value, *converted))
    return said.has(_plain(value))


def _read(tool: ToolSpec, *, enums: bool) -> Mentions:
    """Return what a tool's document says, its closed lists included or not."""
    schema = tool.schema["function"]
    if not enums:
        properties = {
            name: {key: item for key, item in described.items() if key != "enum"}
            for name, described in tool.parameters.get("properties", {}).items()
        }
        schema = {**schema, "parameters": {**tool.parameters, "properties": properties}}
    return mentions_of(jsonio.dumps(schema))


def _messages(candidate: Candidate) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield (error message, arguments given) of failed calls to the visible tools that change something.

    They are tried on every row the plan passes through, with values out of bounds and every word of their lists.
    """
    world = candidate.world
    writes = [tool for tool in candidate.scenario.tools if is_write(tool)]
    if not writes:
        return
    caller, rows = Caller(world), _rows(candidate)
    for tool in writes:
        table = template(tool).bindings["table"]
        run = caller.runs(tool)
        concerned = [*rows.get(table, ()), next(iter(world.base.rows[table]))]
        for arguments in caller.attempts(tool, concerned, spoiled=True):
            outcome = caller.call(run, WorldView(world.base), arguments)
            if not outcome.ok:
                yield outcome.shown, tuple(arguments.values())


def _rows(candidate: Candidate) -> dict[str, dict[str, None]]:
    """Return the rows that the plan passes through, by table."""
    stock = Stock.of(candidate.world)
    for sub_goal in candidate.scenario.sub_goals:
        for value in (*leaves(sub_goal.arguments), *([_plain(sub_goal.gold)] if sub_goal.gold is not None else ())):
            stock.add(candidate.world, value)
    return stock.ids


def _plain(value: Value) -> Any:
    return value.value if not isinstance(value, SequenceValue | SetValue) else None


def _flat(gold: Value) -> tuple[Value, ...]:
    return gold.items if isinstance(gold, SequenceValue | SetValue) else (gold,)
