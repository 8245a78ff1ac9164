"""Pairs of turns to prefer one over the other: where a success and a failure on one scenario part ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from tool_gym.agents.interop.messages import SpokenTurn, is_sound, schemas, turns_of
from tool_gym.agents.interop.rows import Episode, Episodes, Row
from tool_gym.rewards import get_reward, score
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import ToolCall, Turn

_Key: TypeAlias = tuple[Any, ...]


class _Played(NamedTuple):
    """An episode, and whether it met all its goals."""

    episode: Episode
    solved: bool


def pair_rows(episodes: Episodes) -> Iterator[Row]:
    """Yield preference pairs, `prompt`, `chosen`, `rejected` and `tools`, in TRL's conversational form.

    A success is an episode that met all goals of its scenario, whatever it was paid by. Each failure is held against
    the success that went the same way for longest. `prompt` is the conversation they share, with its results;
    `chosen` and `rejected` are the turns in which they part, one message each, so that nothing a tool or the user
    said is in them: TRL's loss counts every token of both. Equal pairs come once. No pair comes of a failure whose
    return is not below the success's, of one that only stopped earlier, and of a chosen turn with a broken call.

    All trajectories are held in memory, for successes and failures come in any order.
    """
    by_scenario: dict[str, list[_Played]] = {}
    for episode in episodes:
        by_scenario.setdefault(episode.scenario.id, []).append(_Played(episode, _is_solved(episode)))
    for played in by_scenario.values():
        successes = [one.episode for one in played if one.solved]
        failures = [one.episode for one in played if not one.solved]
        yield from _distinct(_pair(successes, failure) for failure in failures if successes)


def _distinct(rows: Iterator[Row | None]) -> Iterator[Row]:
    seen: set[str] = set()
    for row in rows:
        if row is not None:
            key = repr((row["prompt"], row["chosen"], row["rejected"]))
            if key not in seen:
                seen.add(key)
                yield row


def _is_solved(episode: Episode) -> bool:
    trajectory, scenario = episode
    return score(get_reward("solve"), scenario, trajectory).parts["goals"] == 1.0


def _pair(successes: Sequence[Episode], failure: Episode) -> Row | None:
    """Return the pair of a failure and the success that shares most with it, the better paid of those that do."""
    below = [one for one in successes if one.trajectory.episode_return > failure.trajectory.episode_return]
    if not below:
        return None
    bad = failure.trajectory
    best = max(below, key=lambda one: (shared_turns(one.trajectory, bad), one.trajectory.episode_return))
    good, scenario = best.trajectory, best.scenario
    at = shared_turns(good, bad)
    if at >= min(len(good.steps), len(bad.steps)):
        return None
    if not is_sound(good.steps[at].turn) or _turn_key(good.steps[at].turn) == _turn_key(bad.steps[at].turn):
        return None
    chosen, rejected = (_turn_at(Episode(one, scenario), at) for one in (good, bad))
    return {
        "prompt": chosen.before,
        "chosen": [chosen.message],
        "rejected": [rejected.message],
        "tools": schemas(scenario),
        "turn": at,
        "chosen_return": good.episode_return,
        "rejected_return": bad.episode_return,
        "scenario_id": scenario.id,
        "pack": good.pack,
        "shape": scenario.shape,
    }


def shared_turns(one: Trajectory, other: Trajectory) -> int:
    """Return how many turns two trajectories of one scenario have in common from the start, results included."""
    count = 0
    for first, second in zip(one.steps, other.steps, strict=False):
        if _key(first) != _key(second):
            break
        count += 1
    return count


def _key(step: Step) -> _Key:
    """Return what a step shows and is shown: two that are equal leave a model in the same place."""
    return (*_turn_key(step.turn), tuple(result.text for result in step.results), step.reply)


def _turn_key(turn: Turn) -> _Key:
    calls = [
        (call.name, repr(call.arguments)) if isinstance(call, ToolCall) else (call.problem, call.raw)
        for call in turn.calls
    ]
    return (turn.text, turn.reasoning, tuple(calls))


def _turn_at(episode: Episode, number: int) -> SpokenTurn:
    turns = list(turns_of(episode.scenario, episode.trajectory.steps[: number + 1]))
    return turns[number]
