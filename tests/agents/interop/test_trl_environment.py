"""A pack as TRL's environments: driven as TRL drives them, they earn what the environment itself pays."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.agents.interop.made import pack, some_ids
from tests.handmade import SCENARIOS
from tool_gym import jsonio
from tool_gym.agents.interop.messages import episode_messages
from tool_gym.agents.interop.trl_environment import TRLEnvironments, tool_gym_return, trl_environments, why_not
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import get_policy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.trajectory import Trajectory
from tool_gym.turns import ToolCall

NAMES = some_ids(24)
TASKS = trl_environments(pack(), scenarios=NAMES)
ROWS = {row["scenario_id"]: row for row in TASKS.rows}


def tools_of(environment: Any) -> dict[str, Any]:
    """Return the tools as TRL finds them."""
    names = [name for name, _ in inspect.getmembers(type(environment), predicate=inspect.isfunction)]
    hidden = {"reset", "get_reward"}
    return {name: getattr(environment, name) for name in names if name not in hidden and not name.startswith("_")}


def as_trl_runs(environment: Any, row: dict[str, Any], trajectory: Trajectory) -> list[dict[str, Any]]:
    """Have an environment answer the calls of an episode one by one, as TRL does; return the rollout's messages."""
    assert environment.reset(**{key: value for key, value in row.items() if key != "environment"}) is None
    tools, completion = tools_of(environment), []
    for step in trajectory.steps:
        calls: list[dict[str, Any]] = [
            {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in step.turn.calls
            if isinstance(call, ToolCall)
        ]
        completion.append({"role": "assistant", "content": step.turn.text} | ({"tool_calls": calls} if calls else {}))
        for call in calls:
            name = call["function"]["name"]
            if name in tools:
                content = tools[name](**call["function"]["arguments"])
            else:
                content = str({"error": f"Tool {name} not found."})
            completion.append({"role": "tool", "name": name, "content": content})
    return completion


def earned(environment: Any, completion: list[dict[str, Any]]) -> float:
    (value,) = tool_gym_return(completions=[completion], environments=[environment])
    return value


def played(name: str, policy: str) -> Trajectory:
    return rollout(ToolUseEnv(pack()), get_policy(policy), seed=3, options={"scenario": name})


@pytest.fixture(scope="module")
def pool() -> dict[str, Any]:
    """One object for each tool set, used again and again as TRL does."""
    return {name: make() for name, make in TASKS.environment_factory.items()}


@pytest.mark.parametrize("policy", ["oracle", "greedy", "random", "silent", "repeat"])
def test_a_rollout_earns_what_the_environment_pays(policy: str, pool: dict[str, Any]) -> None:
    for name, row in ROWS.items():
        trajectory = played(name, policy)
        completion = as_trl_runs(pool[row["environment"]], row, trajectory)
        assert earned(pool[row["environment"]], completion) == trajectory.episode_return


def test_the_model_is_shown_what_the_environment_shows(pool: dict[str, Any]) -> None:
    for name, row in ROWS.items():
        trajectory = played(name, "random")
        scenario = pack().task(name).scenario
        shown = [message for message in episode_messages(scenario, trajectory.steps) if message["role"] == "tool"]
        completion = as_trl_runs(pool[row["environment"]], row, trajectory)
        for message, expected in zip([one for one in completion if one["role"] == "tool"], shown, strict=True):
            if expected["name"] in tools_of(pool[row["environment"]]):
                assert message["content"] == expected["content"]


def test_every_tool_is_there_under_its_name_with_its_schema() -> None:
    for name, make in TASKS.environment_factory.items():
        tools = tools_of(make())
        assert sorted(tools) == sorted(tool["function"]["name"] for tool in TASKS.schemas[name])
        assert all(tool.__name__ == called for called, tool in tools.items())


def turn(content: str = "", *calls: tuple[str, Any]) -> dict[str, Any]:
    made = [{"type": "function", "function": {"name": name, "arguments": given}} for name, given in calls]
    return {"role": "assistant", "content": content} | ({"tool_calls": made} if made else {})


def result() -> dict[str, Any]:
    return {"role": "tool", "name": "x", "content": "{}"}


class TestOddRollouts:
    """What a rollout earns when not all of it was played."""

    @pytest.fixture
    def oracle(self, pool: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
        """An oracle's rollout of two calls at least."""
        name = next(one for one in ROWS if len(played(one, "oracle").steps) > 2)
        environment = pool[ROWS[name]["environment"]]
        return environment, as_trl_runs(environment, ROWS[name], played(name, "oracle"))

    def test_calls_that_were_never_run_earn_nothing(self, oracle: Any) -> None:
        environment, completion = oracle
        assert earned(environment, completion[:3]) == earned(environment, completion[:2])
        assert earned(environment, completion[:1]) == 0

    def test_two_calls_in_a_turn_are_one_turn(self, oracle: Any) -> None:
        environment, completion = oracle
        apart = earned(environment, completion[:4])
        calls = [call for message in completion[:4] for call in message.get("tool_calls", ())]
        together = [completion[0] | {"tool_calls": calls}, result(), result()]
        assert earned(environment, together) <= apart

    @pytest.mark.parametrize(
        "odd",
        [
            pytest.param([turn("", ("no_such_tool", {})), result()], id="unknown tool"),
            pytest.param([turn("", ("no_such_tool", [1])), result()], id="arguments that are no object"),
        ],
    )
    def test_what_the_trainer_answers_itself_costs_all_the_same(self, odd: Any, oracle: Any) -> None:
        environment, completion = oracle
        assert 0 < earned(environment, odd + completion) < earned(environment, completion) == 1

    @pytest.mark.parametrize("text", ['<tool_call>{"name": "x", "arg', '<tool_call>\n{"name": "x", "arguments": {}}'])
    def test_text_that_is_no_call_to_the_trainer_is_never_run(self, text: str, oracle: Any) -> None:
        environment, completion = oracle
        assert earned(environment, [*completion[:-1], turn(text)]) < earned(environment, completion[:-1])

    def test_an_empty_rollout_earns_nothing(self, oracle: Any) -> None:
        environment, _ = oracle
        assert earned(environment, []) == 0

    def test_parts_of_the_score_are_logged(self, oracle: Any) -> None:
        environment, completion = oracle
        logged: dict[str, float] = {}
        tool_gym_return(completions=[completion], environments=[environment], log_metric=logged.__setitem__)
        assert logged["goals"] == 1
        assert logged["precision"] == 1


def test_what_no_loop_of_trl_can_play_is_left_out_with_its_reason() -> None:
    reasons = {name: why_not(scenario) for name, scenario in SCENARIOS.items()}
    assert {reason for reason in reasons.values() if reason} == {
        "the user speaks more than once",
        "the user has to be asked",
    }
    assert all(len(SCENARIOS[name].user_turns) > 1 for name, why in reasons.items() if "more than once" in why)


def test_rows_start_an_environment_and_are_plain_data() -> None:
    assert jsonio.loads(jsonio.dumps(TASKS.rows)) == TASKS.rows
    assert {row["environment"] for row in TASKS.rows} == set(TASKS.environment_factory) == set(TASKS.schemas)


def test_misuse_is_told() -> None:
    environment = next(iter(TASKS.environment_factory.values()))()
    with pytest.raises(AgentError, match="needs the column scenario_id"):
        environment.reset(prompt=[])
    with pytest.raises(AgentError, match="has not begun"):
        tool_gym_return(completions=[[]], environments=[environment])
    with pytest.raises(AgentError, match="needed, not int"):
        tool_gym_return(completions=[[]], environments=[3])
    with pytest.raises(AgentError, match="can be played"):
        trl_environments(pack(), scenarios=[])
    with pytest.raises(UnknownNameError, match="no scenario named"):
        trl_environments(pack(), scenarios=["nowhere"])
    with pytest.raises(AgentError, match="install needs a GRPOTrainer"):
        TRLEnvironments([], {}, [], {"a": []}, {}).install(object())
