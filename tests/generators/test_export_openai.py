"""OpenAI requests: names the API takes, schemas that are schemas, and nothing of the answer."""

from __future__ import annotations

import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators.exporting import alone, handmade, tasks
from tests.harbour import TOOLS, tool
from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.generators.export.naming import OPENAI_NAME, openai_names, python_names
from tool_gym.generators.export.openai_json import openai_request
from tool_gym.values import leaves

FORM = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"role": {"const": "user"}, "content": {"type": "string", "minLength": 1}},
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        },
        "tools": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"const": "function"},
                    "function": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                            "description": {"type": "string"},
                            "parameters": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
                        },
                        "required": ["name", "description", "parameters"],
                        "additionalProperties": False,
                    },
                },
                "required": ["type", "function"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["messages", "tools"],
}
NAMES = st.lists(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z"), unique=True, max_size=8)


@pytest.mark.parametrize("task", [*tasks(2), *handmade(), alone(*TOOLS)], ids=lambda task: task.scenario.id[:12])
def test_a_request_is_what_the_api_takes(task: Task) -> None:
    request = openai_request(task.scenario)
    jsonschema.Draft202012Validator(FORM).validate(request)
    functions = [one["function"] for one in request["tools"]]
    for function, spec in zip(functions, task.scenario.tools, strict=True):
        assert request["names"].get(function["name"], function["name"]) == spec.name
        assert (function["description"], function["parameters"]) == (spec.description, spec.parameters)
    assert set(request) == {"id", "shape", "messages", "tools", "names", "later_user_turns"}
    assert jsonio.loads(jsonio.dumps(request)) == request
    assert not {"gold", "goals", "plans", "sub_goals"} & set(map(str, leaves(request)))


def test_a_dotted_name_is_replaced_and_the_mapping_kept() -> None:
    request = openai_request(alone(tool("ports.find", "find", {"table": "ship"})).scenario)
    assert request["tools"][0]["function"]["name"] == "ports_find"
    assert request["names"] == {"ports_find": "ports.find"}


@given(NAMES)
def test_each_name_gets_one_of_its_own(names: list[str]) -> None:
    for made, is_fine in ((openai_names(names), OPENAI_NAME.fullmatch), (python_names(names), str.isidentifier)):
        assert list(made) == names
        assert len(set(made.values())) == len(names)
        assert all(map(is_fine, made.values()))
        assert all(made[name] == name for name in names if re.fullmatch("[a-z]+_[a-z]+", name) and is_fine(name))
