"""An info that fills itself is a plain dict to whatever looks at it, and nothing reads it empty unnoticed."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.handmade import SCENARIOS, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.lazy import LazyDict
from tool_gym.envs.pack import MemoryPack

PACK = MemoryPack(list(SCENARIOS.values()), [WORLD])
KEYS = ["scenario_id", "messages", "tools", "step", "score", "parts"]

LOOKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "list": list,
    "dict": dict,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "unpacking": lambda made: {**made},
    "or": lambda made: made | {},
    "ror": lambda made: {} | made,
    "copy method": lambda made: made.copy(),
    "copy method of dict": dict.copy,
    "items": lambda made: dict(made.items()),
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),  # noqa: S301 - written a moment ago
    "json": lambda made: json.loads(json.dumps(made, default=str)),
    "json inside": lambda made: json.loads(json.dumps({"info": made}, default=str))["info"],
}


def info() -> dict[str, Any]:
    """Return an info nobody has looked at."""
    env = ToolUseEnv(PACK)
    env.reset(seed=1)
    return env.step("Answer: 4")[4]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_whatever_looks_at_an_info_sees_all_of_it(look: Callable[[dict[str, Any]], Any]) -> None:
    made = info()
    assert list(look(made)) == KEYS
    assert list(made) == KEYS
    assert len(made) == len(KEYS)


def test_code_that_reads_a_dicts_memory_stops_at_an_info_nobody_looked_at() -> None:
    with pytest.raises(TypeError, match="Unread"):
        orjson.dumps(info(), default=None)


def test_one_that_is_made_like_a_dict_is_a_dict() -> None:
    made = type(info())({"a": 1})
    assert made == {"a": 1}
    made["b"] = 2
    assert dict(made) == {"a": 1, "b": 2}
    with pytest.raises(AttributeError, match="no attribute 'sauce'"):
        made.sauce  # type: ignore[attr-defined]  # noqa: B018 - that is the test


def test_an_info_may_be_spoilt_without_harm_to_the_record() -> None:
    env = ToolUseEnv(PACK, reward="step_grained")
    env.reset(seed=1)
    made = env.step("Answer: 4")[4]
    kept = env.snapshot()
    made["parts"].clear()
    assert env.trajectory.steps[0].parts
    env.restore(kept)
    assert env.trajectory.steps[0].parts


def test_a_lazy_dict_says_in_its_subclass_what_it_holds() -> None:
    made = LazyDict()
    made.source = 1
    with pytest.raises(NotImplementedError):
        len(made)
