"""Trajectories as rows: nothing lost, nothing of one row in another, and only what the model wrote to be learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.interop.made import episodes, handmade, odd
from tool_gym import jsonio
from tool_gym.agents.interop import FORMATS, Episode, export_trajectories
from tool_gym.agents.interop.messages import episode_messages
from tool_gym.agents.interop.rows import episode_rows, prompt_rows, tool_set_name, turn_rows, verl_rows
from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.errors import ExportError, UnknownNameError
from tool_gym.messages import Conversation
from tool_gym.turns import BrokenCall, Turn

EPISODES = [*episodes(), *handmade()]


def as_openai(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages with arguments as JSON text and results without names, as the environment shows them."""
    found: list[dict[str, Any]] = json.loads(json.dumps(messages))
    for message in found:
        if message["role"] == "tool":
            message.pop("name", None)
        for call in message.get("tool_calls", ()):
            arguments = call["function"]["arguments"]
            if not isinstance(arguments, str):
                call["function"]["arguments"] = json.dumps(arguments, ensure_ascii=False)
    return found


@pytest.mark.parametrize("number", range(len(EPISODES)))
def test_messages_are_the_episode(number: int) -> None:
    trajectory, scenario = EPISODES[number]
    system = episode_messages(scenario, [])[0]["content"]
    shown = Conversation(scenario.user_turns[0], trajectory.steps, system=system)
    assert as_openai(episode_messages(scenario, trajectory.steps)) == list(shown)


@pytest.mark.parametrize("number", range(len(EPISODES)))
def test_an_episode_can_be_played_again_from_its_messages(number: int) -> None:
    trajectory, scenario = EPISODES[number]
    read = [
        get_dialect("openai").parse(message)
        for message in episode_messages(scenario, trajectory.steps)
        if message["role"] == "assistant"
    ]
    for turn, step in zip(read, trajectory.steps, strict=True):
        assert turn.text == step.turn.text
        assert turn.reasoning == step.turn.reasoning
        for call, made in zip(turn.calls, step.turn.calls, strict=True):
            broken = isinstance(made, BrokenCall)
            assert isinstance(call, BrokenCall) == broken
            assert broken or call[:2] == made[:2]


def test_there_is_a_reward_for_each_assistant_message() -> None:
    for row, (trajectory, _) in zip(episode_rows(EPISODES), EPISODES, strict=True):
        assert len(row["rewards"]) == sum(message["role"] == "assistant" for message in row["messages"])
        assert sum(row["rewards"]) == row["return"] == trajectory.episode_return


def test_turns_put_together_are_the_conversation() -> None:
    for episode in EPISODES:
        rows = list(turn_rows([episode]))
        whole = episode_messages(episode.scenario, episode.trajectory.steps)
        for row in rows:
            assert [*row["prompt"], *row["completion"]] == whole[: len(row["prompt"]) + 1]
        sound = [step for step in episode.trajectory.steps if not any(type(c) is BrokenCall for c in step.turn.calls)]
        assert [row["reward"] for row in rows] == [step.reward for step in sound]


def test_a_turn_with_a_broken_call_is_not_to_be_learnt() -> None:
    episode = odd()
    assert [row["turn"] for row in turn_rows([episode])] == list(range(1, len(episode.trajectory.steps)))


def test_prompts_come_once_for_each_scenario_and_name_its_tools() -> None:
    rows = list(prompt_rows(EPISODES))
    assert [row["scenario_id"] for row in rows] == list(dict.fromkeys(one.scenario.id for one in EPISODES))
    for row in rows:
        assert row["environment"] == tool_set_name(row["tools"])
    environment = ToolUseEnv(scenario=rows[0]["scenario_id"])
    _, info = environment.reset(seed=0)
    assert rows[0]["prompt"] == list(info["messages"])
    assert rows[0]["tools"] == info["tools"]


def test_names_of_tool_sets_tell_tools_apart() -> None:
    by_name: dict[str, Any] = {}
    for row in prompt_rows(EPISODES):
        assert by_name.setdefault(row["environment"], row["tools"]) == row["tools"]
    assert len({jsonio.dumps(tools) for tools in by_name.values()}) == len(by_name)


def test_verl_rows_hold_what_a_scorer_needs() -> None:
    scenarios = {episode.scenario.id: episode.scenario for episode in EPISODES}
    for row in verl_rows(EPISODES):
        scenario = scenarios[row["extra_info"]["scenario_id"]]
        goals = json.loads(row["reward_model"]["ground_truth"])
        assert [goal["kind"] for goal in goals] == [goal.kind for goal in scenario.goals]
        assert json.loads(row["extra_info"]["tools"]) == [tool.schema for tool in scenario.tools]


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_lines_are_the_rows(form: str, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    count = export_trajectories(form, EPISODES, out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    rows = list(FORMATS[form].rows(EPISODES))
    assert lines == json.loads(json.dumps(rows))
    assert len(lines) == count
    assert {tuple(row) for row in rows} == {tuple(lines[0])}
    assert set(FORMATS[form].columns) == set(lines[0])


def test_text_that_no_file_can_hold_is_written_all_the_same(tmp_path: Path) -> None:
    trajectory, scenario = odd()
    steps = (trajectory.steps[0]._replace(turn=Turn("bad \ud800 text"), results=()),)
    out = tmp_path / "rows.jsonl"
    assert export_trajectories("hf", [Episode(trajectory._replace(steps=steps), scenario)], out) == 1
    assert json.loads(out.read_bytes())["messages"][-1]["role"] == "assistant"


@pytest.mark.parametrize(
    ("form", "name", "count", "said"),
    [
        pytest.param("csv", "a.jsonl", 1, "no format named 'csv'", id="format"),
        pytest.param("hf", "a.csv", 1, r"named \.parquet or \.jsonl", id="suffix"),
        pytest.param("hf", "a.jsonl", 0, "no row came", id="nothing"),
    ],
)
def test_what_cannot_be_exported_says_why(form: str, name: str, count: int, said: str, tmp_path: Path) -> None:
    with pytest.raises((UnknownNameError, ExportError), match=said):
        export_trajectories(form, EPISODES[:count], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    out.write_text("old")

    def broken() -> Any:
        yield EPISODES[0]
        msg = "halfway"
        raise OSError(msg)

    with pytest.raises(OSError, match="halfway"):
        export_trajectories("hf", broken(), out)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
