"""FTRL records: the oracle earns on them, by the released rule, what it earns here; each source runs by itself."""

from __future__ import annotations

import ast
import builtins
import inspect
import json
from functools import cache
from types import CodeType
from typing import Any

import pytest

from tests.generators.exporting import CHECKED_HERE, Tried, alone, oracle_calls, random_calls, session_of, tasks
from tests.generators.test_export_python import SCALED
from tests.harbour import MORE_TOOLS, TOOLS, WORLD, tool
from tool_gym.envs.pack import Task, open_pack
from tool_gym.errors import ExportError
from tool_gym.generators.export.ftrl import SHAPES, code, ftrl_record
from tool_gym.generators.export.prepared import prepared
from tool_gym.rewards.ftrl import FORMULAS, FtrlReward, output_text, verifies
from tool_gym.scenario import ToolSpec
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall, Turn

FIELDS = ["messages", "tools", "codes", "unsolved_set", "solve_rate", "data_source", "split", "answer"]
ALL = [*TOOLS, *MORE_TOOLS, *SCALED]
TASKS = [task for task in tasks(4) if task.scenario.shape in SHAPES]


@cache
def compiled(source: str) -> CodeType:
    return compile(source, "code.py", "exec")


def executed(source: str, name: str, arguments: dict[str, Any]) -> str:
    """Run a tool as the released executor does: the source in a function's own namespace, then a call by name."""
    space: dict[str, Any] = {}
    exec(compiled(source), {"__builtins__": builtins}, space)  # noqa: S102 - the released executor does that
    assert list(space) == [name]
    text = space[name](**arguments)
    assert isinstance(text, str)
    return text


def paid_here(task: Task, answer: str) -> float:
    """Return what our reward pays the oracle, one call a turn."""
    scorer, session = FtrlReward().start(task.scenario), session_of(task)
    for call in oracle_calls(task.scenario):
        result = session.call(call.name, call.arguments)
        scorer.step(Step(Turn(calls=(ToolCall(call.name, call.arguments),)), (result,)))
    return scorer.step(Step(Turn(f"Answer: {answer}"))).score


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.scenario.shape}-{task.scenario.id[:6]}")
def test_the_oracle_earns_on_the_record_what_it_earns_here(task: Task) -> None:
    record = json.loads(json.dumps(ftrl_record(task, "train")))
    codes, left = json.loads(record["codes"]), json.loads(record["unsolved_set"])
    earned = 0.0
    for call in oracle_calls(task.scenario):
        text = executed(codes[call.name], call.name, call.arguments)
        solved = next((sub for sub in left.get(call.name, ()) if verifies(text, sub)), None)
        if solved is not None:
            left[call.name].remove(solved)
        earned += FORMULAS["f1"](1, int(solved is not None))
    assert not any(left.values())
    earned += 1 / (1 + sum(map(len, left.values())))
    assert earned == paid_here(task, record["answer"]) == len(oracle_calls(task.scenario)) + 1


@pytest.mark.parametrize("task", TASKS[:4], ids=lambda task: task.scenario.id)
def test_a_record_has_the_published_fields_and_types(task: Task) -> None:
    record = ftrl_record(task, "validation")
    assert list(record) == FIELDS
    tools, codes = json.loads(record["tools"]), json.loads(record["codes"])
    assert [one["function"]["name"] for one in tools] == list(codes)
    assert set(json.loads(record["unsolved_set"])) <= set(codes)
    assert [message["role"] for message in record["messages"]] == ["user"]
    assert record["messages"][0]["content"].endswith(f"Question: {task.scenario.user_turns[0]}")
    assert (record["solve_rate"], record["data_source"], record["split"]) == (
        0.0,
        f"self/{task.scenario.shape}",
        "test",
    )
    for name, source in codes.items():
        (function,) = ast.parse(source).body
        assert isinstance(function, ast.FunctionDef)
        assert function.name == name


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: spec.name)
def test_every_source_answers_as_the_tool_does_on_a_fresh_world(spec: ToolSpec) -> None:
    task = alone(spec)
    (ready,) = prepared(task)
    source = code(ready, "f", WORLD)
    signature = inspect.signature(_function(source))
    for call in random_calls(task, 40):
        if call.name != spec.name or not _binds(signature, call):
            continue
        here = session_of(task).call(call.name, call.arguments)
        there = executed(source, "f", call.arguments)
        if here.outcome in CHECKED_HERE:
            assert json.loads(there)["error"] == here.outcome.label, call
        else:
            assert there == output_text(here), call


def test_a_change_is_gone_with_the_call() -> None:
    source = code(
        prepared(alone(tool("cancel", "cancel", {"table": "booking", "column": "state"})))[0], "cancel", WORLD
    )
    texts = [executed(source, "cancel", {"id": "BK1"}) for _ in range(2)]
    assert texts[0] == texts[1] == '{"id": "BK1", "state": "cancelled", "updated": true}'


@pytest.mark.parametrize("shape", ["write", "decline"])
def test_what_the_form_has_no_place_for_is_refused(shape: str) -> None:
    pack = open_pack("everyday")
    entry = next(entry for entry in pack.entries() if entry.shape == shape)
    with pytest.raises(ExportError, match=f"its shape is {shape}"):
        ftrl_record(pack.task(entry.id), "train")


def test_names_that_are_no_identifiers_become_some_everywhere() -> None:
    task = TASKS[0]
    first = task.scenario.sub_goals[0].tool
    renamed = json.loads(task.scenario.model_dump_json().replace(f'"{first}"', '"the.tool-1"'))
    record = ftrl_record(Task(type(task.scenario).model_validate(renamed), task.world), "train")
    assert "the_tool_1" in json.loads(record["codes"])
    assert "the_tool_1" in json.loads(record["unsolved_set"])
    assert "the.tool-1" not in [one["function"]["name"] for one in json.loads(record["tools"])]


def _function(source: str) -> Any:
    space: dict[str, Any] = {}
    exec(source, {}, space)  # noqa: S102 - as above
    return next(iter(space.values()))


def _binds(signature: inspect.Signature, call: Tried) -> bool:
    """Return whether Python itself lets a call through: it refuses missing and unknown arguments."""
    try:
        signature.bind(**call.arguments)
    except TypeError:
        return False
    return True
