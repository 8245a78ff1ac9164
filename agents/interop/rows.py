"""Rows of data sets, made from trajectories: plain JSON data, without any library."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from tool_gym import jsonio
from tool_gym.agents.interop.messages import episode_messages, is_sound, opening, schemas, turns_of
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Trajectory

Row: TypeAlias = dict[str, Any]


class Episode(NamedTuple):
    """A trajectory and the scenario it was played on."""

    trajectory: Trajectory
    scenario: Scenario


Episodes: TypeAlias = Iterable[Episode]


def episode_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield one row for each episode: messages, tools, the reward of every turn, and where it comes from.

    `rewards` has one number for each assistant message, in order; their sum is `return`. `parts` is what the score was
    made of after the last turn, as the reward names it.
    """
    for trajectory, scenario in episodes:
        steps = trajectory.steps
        yield {
            "messages": episode_messages(scenario, steps),
            "tools": schemas(scenario),
            "rewards": [step.reward for step in steps],
            "return": trajectory.episode_return,
            "parts": (steps[-1].parts if steps else None) or {},
            "terminated": trajectory.terminated,
            "truncated": trajectory.truncated,
            "policy": trajectory.policy,
            "reward": trajectory.reward,
            "seed": trajectory.seed,
            **_source(trajectory, scenario),
        }


def conversation_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield whole conversations for supervised fine-tuning; what was not written by the model is to be masked."""
    for trajectory, scenario in episodes:
        yield {
            "messages": episode_messages(scenario, trajectory.steps),
            "tools": schemas(scenario),
            **_source(trajectory, scenario),
        }


def turn_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield one row for each turn: the conversation before it as prompt, the turn alone as completion.

    Turns with a call that could not be read are left out: nobody is to learn them.
    """
    for trajectory, scenario in episodes:
        for number, turn in enumerate(turns_of(scenario, trajectory.steps)):
            if is_sound(turn.step.turn):
                yield {
                    "prompt": turn.before,
                    "completion": [turn.message],
                    "tools": schemas(scenario),
                    "turn": number,
                    "reward": turn.step.reward,
                    **_source(trajectory, scenario),
                }


def prompt_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield what reinforcement learning starts from: one row for each scenario, in the order they first come."""
    for trajectory, scenario in _first_of_each(episodes):
        yield prompt_row(scenario, trajectory.pack)


def prompt_row(scenario: Scenario, pack: str) -> Row:
    """Return the row of a scenario: prompt, tools, and the name of its tool set, which TRL calls `environment`."""
    tools = schemas(scenario)
    return {
        "prompt": opening(scenario),
        "tools": tools,
        "environment": tool_set_name(tools),
        "scenario_id": scenario.id,
        "pack": pack,
        "shape": scenario.shape,
    }


def tool_set_name(tools: Sequence[dict[str, Any]]) -> str:
    """Return a name that equal lists of tools share, and no others do."""
    return "tools-" + hashlib.blake2b(jsonio.dump_bytes(tools), digest_size=8).hexdigest()


def verl_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield verl's rows for reinforcement learning, one for each scenario.

    `reward_model.ground_truth` is JSON text of the scenario's goals, golds included; `extra_info.tools` is JSON text of
    its tools, for verl lists the tools of a run in one place and has none for those of a row.
    """
    for index, (trajectory, scenario) in enumerate(_first_of_each(episodes)):
        goals = [goal.model_dump(mode="json") for goal in scenario.goals]
        yield {
            "data_source": f"tool_gym/{trajectory.pack}",
            "prompt": opening(scenario),
            "ability": "tool_use",
            "reward_model": {"style": "rule", "ground_truth": jsonio.dumps(goals)},
            "extra_info": {
                "index": index,
                "scenario_id": scenario.id,
                "pack": trajectory.pack,
                "shape": scenario.shape,
                "tools": jsonio.dumps(schemas(scenario)),
            },
        }


def verl_conversation_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield whole conversations for verl's multi-turn fine-tuning, messages and tools as JSON text.

    `tool_gym.agents.interop.verl_dataset` reads them: verl's own class cannot, and no form of parquet that it reads
    keeps the tools of different rows apart.
    """
    for row in conversation_rows(episodes):
        yield row | {"messages": jsonio.dumps(row["messages"]), "tools": jsonio.dumps(row["tools"])}


def _first_of_each(episodes: Episodes) -> Iterator[Episode]:
    seen: set[str] = set()
    for episode in episodes:
        if episode.scenario.id not in seen:
            seen.add(episode.scenario.id)
            yield episode


def _source(trajectory: Trajectory, scenario: Scenario) -> Row:
    return {"scenario_id": scenario.id, "pack": trajectory.pack, "shape": scenario.shape}
