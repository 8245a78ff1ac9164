"""Plans a model writes: calls whose arguments may be taken from earlier results, conditions, and an act at the end.

A plan is data that our engine executes through the public tools. `{s2.items.0.id}` in an argument stands for a value in
the result of step s2; alone it is the value itself, among other characters its text. Nothing is formatted or evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tool_gym import jsonio, units
from tool_gym.generators.calls import Caller, Part, Stock, is_write, parts, template
from tool_gym.generators.candidate import Candidate, Play
from tool_gym.llm.problems import Problem, pointer, shown
from tool_gym.scenario import Scenario, ToolSpec
from tool_gym.turns import ActKind, ToolCall, Turn

MAX_STEPS = 24
COMPARED = ("equal", "not_equal", "less", "at_most", "greater", "at_least")
ACTS = ("answer", "done", "ask", "decline")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "maxItems": MAX_STEPS,
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "pattern": "^s[0-9]{1,2}$", "maxLength": 3},
                    "tool": {"type": "string", "maxLength": 64},
                    "arguments": {"type": "string", "maxLength": 2000},
                    "only_if": {
                        "type": "array",
                        "maxItems": 2,
                        "items": {
                            "type": "object",
                            "properties": {
                                "left": {"type": "string", "maxLength": 80},
                                "is": {"type": "string", "enum": list(COMPARED)},
                                "right": {"type": "string", "maxLength": 80},
                            },
                            "required": ["left", "is", "right"],
                            "additionalProperties": False,
                        },
                    },
                },
                "required": ["id", "tool", "arguments", "only_if"],
                "additionalProperties": False,
            },
        },
        "act": {"type": "string", "enum": list(ACTS)},
        "text": {"type": "string", "maxLength": 1000},
    },
    "required": ["steps", "act", "text"],
    "additionalProperties": False,
}

_REFERENCE = re.compile(r"\{(s\d{1,2})((?:\.[\w\-]+)*)\}")
_LEAD = {"answer": "Answer: ", "done": "Answer: ", "ask": "Ask: ", "decline": "Decline: "}
_ROWS, _TRIES = 8, 200
"""Rows of each table, and calls, that are tried to see what a tool's results look like."""


class PlanError(ValueError):
    """Raised when a plan refers to what is not there."""


def problems_of(plan: dict[str, Any], scenario: Scenario, known: set[str]) -> Iterator[Problem]:
    """Yield what keeps a plan from being executed, as far as that shows before it is; `known` are earlier steps."""
    seen = set(known)
    for number, step in enumerate(plan["steps"]):
        here = ("steps", number)
        if step["id"] in seen:
            yield Problem(pointer(*here, "id"), "twice", step["id"], "an id that no other step has")
        if step["tool"] not in scenario.tool_by_name:
            yield Problem(pointer(*here, "tool"), "unknown tool", shown(step["tool"]), "one of the tools")
        if not isinstance(_arguments(step), dict):
            yield Problem(pointer(*here, "arguments"), "JSON", shown(step["arguments"]), "a JSON object as text")
        told = (
            f"{step['arguments']} {' '.join(side for one in step['only_if'] for side in (one['left'], one['right']))}"
        )
        for name, _ in _REFERENCE.findall(told):
            if name not in seen:
                yield Problem(pointer(*here), "reference", name, "an earlier step")
        seen.add(step["id"])
    for name, _ in _REFERENCE.findall(plan["text"]):
        if name not in seen:
            yield Problem("/text", "reference", name, "a step")


def execute(play: Play, plan: dict[str, Any], results: dict[str, Any], scenario: Scenario) -> ActKind:
    """Execute a plan in an episode, note the results of its steps, and return what it ended with.

    Raises:
        PlanError: If it refers to what is not there.
    """
    for step in plan["steps"]:
        if all(_holds(condition, results) for condition in step["only_if"]):
            arguments = _filled(_arguments(step), results)
            schema = scenario.tool_by_name[step["tool"]].parameters.get("properties", {})
            arguments = {name: _as_wanted(value, schema.get(name, {})) for name, value in arguments.items()}
            result = play.step(Turn(calls=(ToolCall(step["tool"], arguments),))).results[0]
            results[step["id"]] = result.value if result.ok else None
    text = _REFERENCE.sub(lambda found: _told(found, results), plan["text"]).strip(" ;") or "done"
    act = play.step(Turn(_LEAD[plan["act"]] + text)).turn.act
    return act.kind if act is not None else ActKind.ANSWER


def result_shapes(candidate: Candidate) -> dict[str, Any]:
    """Return what the results of each tool look like: types in place of values, found by calls about other rows."""
    stock = Stock.of(candidate.world, ["2024-05-01"], ["2024-05-01"])
    stock.words.update(dict.fromkeys(units.FACTORS))
    for table, rows in candidate.world.base.rows.items():
        for row_id, row in islice(rows.items(), _ROWS):
            stock.ids[table][row_id] = None
            for value in row.values():
                stock.add(candidate.world, value)
            stock.names[str(row.get("name", ""))] = None
    return {tool.name: _shape_of(candidate, tool, stock) for tool in candidate.scenario.tools}


def _shape_of(candidate: Candidate, tool: ToolSpec, stock: Stock) -> Any:
    shapes = [_part_shape(candidate, tool, part, stock) for part in parts(tool, candidate.world.base)]
    found = [shape for number, shape in enumerate(shapes) if shape is not None and shape not in shapes[:number]]
    return found[0] if len(found) == 1 else {"one of": found} if found else "not known"


def _part_shape(candidate: Candidate, tool: ToolSpec, part: Part, stock: Stock) -> Any:
    """Return what results of one of the things a tool does look like; None if no call succeeds."""
    caller = Caller(candidate.world)
    if is_write(part.tool):
        given = caller.attempts(part.tool, list(stock.ids[template(part.tool).bindings["table"]]))
    else:
        given = caller.arguments(part.tool, stock)
    session = candidate.runtime.start()
    for arguments in islice(given, _TRIES):
        try:
            result = session.call(tool.name, template(tool).public({**arguments, **part.chosen}))
        except ValueError:  # a value that this parameter's form cannot hold
            continue
        if result.ok:
            return _typed(result.value)
    return None


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value[:1]]
    names = {str: "string", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "null")


def _arguments(step: dict[str, Any]) -> Any:
    try:
        found = jsonio.loads(step["arguments"] or "{}")
        jsonio.check_plain(found)
    except ValueError:
        return None
    return found


def _told(reference: re.Match[str], results: dict[str, Any]) -> str:
    """Return what a reference says in a closing text; nothing where its step was not made."""
    return _written(_value(reference, results)) if results.get(reference.group(1)) is not None else ""


def _filled(value: Any, results: dict[str, Any]) -> Any:
    """Put values in the places of references; a text that is one reference becomes the value."""
    if isinstance(value, dict):
        return {name: _filled(item, results) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, results) for item in value]
    if not isinstance(value, str):
        return value
    alone = _REFERENCE.fullmatch(value)
    if alone is not None:
        return _value(alone, results)
    return _REFERENCE.sub(lambda found: _written(_value(found, results)), value)


def _value(reference: re.Match[str], results: dict[str, Any]) -> Any:
    value: Any = results.get(reference.group(1))
    for part in reference.group(2).split(".")[1:]:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (LookupError, TypeError, ValueError):
            msg = f"there is nothing at {reference.group()}"
            raise PlanError(msg) from None
    return value


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else jsonio.dumps(value)


def _as_wanted(value: Any, schema: dict[str, Any]) -> Any:
    """Return a number as text where the schema wants text, and the other way round."""
    kind = schema.get("type")
    if kind == "string" and type(value) in (int, float):
        return _written(value)
    if kind in ("number", "integer") and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else number
    if kind == "array" and not isinstance(value, list):
        return [value]
    return value


def _holds(condition: dict[str, str], results: dict[str, Any]) -> bool:
    left, right = (_side(condition[name], results) for name in ("left", "right"))
    if condition["is"] in ("equal", "not_equal"):
        same = _written(left).casefold() == _written(right).casefold() or left == right
        return same == (condition["is"] == "equal")
    order = _order(left, right)
    return {"less": order < 0, "at_most": order <= 0, "greater": order > 0, "at_least": order >= 0}[condition["is"]]


def _order(left: Any, right: Any) -> int:
    """Return -1, 0 or 1 as two numbers or two texts compare."""
    numbers = all(type(side) in (int, float) for side in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        msg = f"{shown(left)} and {shown(right)} cannot be ordered"
        raise PlanError(msg)
    return int(left > right) - int(left < right)


def _side(text: str, results: dict[str, Any]) -> Any:
    """Return one side of a condition: a value referred to, a JSON literal, or the text as it stands."""
    filled = _filled(text, results)
    if not isinstance(filled, str):
        return filled
    try:
        found = jsonio.loads(filled)
    except ValueError:
        return filled
    return filled if isinstance(found, dict | list) or found is None else found
