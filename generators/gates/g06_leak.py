"""G6: neither the answer nor a sub-answer can be read off the request, the tools' documents or their error messages.

In FTRL's released test split 13 % of the final answers are words of the question and 9 % of the sub-answers stand
in the documents. A value of a closed list may stand in a tool's enum, where G5 bounds what it gives away; so may yes
and no anywhere. Numbers are looked for in every unit they convert into, dates in every form they are written in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym import units
from tool_gym.generators.calls import Caller, Stock, is_write, parts, table_of, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import ByName, If, Said, walk
from tool_gym.generators.gates.mentions import Mentions, Wanted, document, mentions_of, open_document
from tool_gym.scenario import AnswerGoal
from tool_gym.values import BooleanValue, EnumValue, NumberValue, SequenceValue, SetValue, TextValue, Value, leaves
from tool_gym.world import WorldView

GATE = "G6"
ASKED = "category asked about"
"""What a condition asks about stands in the request: that it may be so or not, G5 sees to."""


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if a gold can be had without a call that serves it; return the error messages read."""
    scenario = candidate.scenario
    golds = [(goal.gold, "answer") for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    asked = _asked_about(candidate)
    golds += [(goal.gold, asked.get(goal.id, "sub-answer")) for goal in scenario.sub_goals if goal.gold is not None]
    flat = [(value, what) for gold, what in golds for value in _flat(gold)]
    looked_for = [(value, _forms(value), what) for value, what in flat]
    request = mentions_of(" ".join(scenario.user_turns))
    for value, forms, what in looked_for:
        if what != ASKED and _says(request, forms):
            raise RejectedError(GATE, f"the {what} stands in the request")
        if not isinstance(value, EnumValue | BooleanValue) and _plain(value) in candidate.told:
            raise RejectedError(GATE, f"the {what} was told before")
    if any(request.has(name) for name in _names_between(candidate)):
        raise RejectedError(GATE, "a row in between is named in the request")
    for value, forms, what in looked_for:
        read = open_document if isinstance(value, EnumValue) else document
        if any(_says(read(tool), forms) for tool in scenario.tools):
            raise RejectedError(GATE, f"the {what} stands in a tool's document")
    messages = dict.fromkeys(_messages(candidate))
    for message, given in messages:
        said = mentions_of(message)
        for value, forms, what in looked_for:
            if _plain(value) not in given and _says(said, forms):
                raise RejectedError(GATE, f"the {what} stands in an error message")
    return {"messages": len(messages)}


def _asked_about(candidate: Candidate) -> dict[str, str]:
    """Return the sub-goals that find out whether something is of the category a condition names."""
    tests = [rule.test for rule in candidate.draft.goal if isinstance(rule, If)]
    named = [test.first for test in tests if test.relation == "same" and isinstance(test.second, Said)]
    pairs = zip(candidate.draft.calls, candidate.draft.sub_goals, strict=False)
    return {name: ASKED for call, name in pairs if call.expression in named}


def _names_between(candidate: Candidate) -> Iterator[str]:
    """Yield the names of the rows that the plan finds and the request does not go by."""
    named = {part.row for goal in candidate.draft.goal for part in walk(goal) if isinstance(part, ByName)}
    for sub_goal in candidate.scenario.sub_goals:
        row = sub_goal.gold.value if isinstance(sub_goal.gold, TextValue) else ""
        table = table_of(candidate.world, row)
        if table is not None and row not in named:
            yield candidate.world.tables[table].rows[row]["name"]


def _forms(value: Value) -> list[Wanted]:
    """Return what to look for: a number in every unit it converts into, nothing for yes and no."""
    if isinstance(value, BooleanValue):
        return []
    if not isinstance(value, NumberValue):
        return [Wanted.of(_plain(value))]
    converted = (units.convert(value.value, value.unit or "", unit) for unit in units.partners(value.unit or ""))
    return [Wanted.of(number) for number in (value.value, *converted) if number is not None]


def _says(said: Mentions, forms: list[Wanted]) -> bool:
    return any(said.says(form) for form in forms)


def _messages(candidate: Candidate) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield (error message, arguments given) of failed calls to the visible tools that change something.

    They are tried on every row the plan passes through, with values out of bounds and every word of their lists.
    """
    world = candidate.world
    writes = [part.tool for tool in candidate.scenario.tools if is_write(tool) for part in parts(tool, world.base)]
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
