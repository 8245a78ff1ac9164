"""A chain of four calls among eight tools, and a tabular agent that learns it from whatever a reward pays.

`python -m tests.chain` prints the table of docs/rewards-published.md: which rewards teach the chain.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.handmade import WORLD, answer, call, calls, cell, plan, read, run, scenario
from tests.harbour import found
from tool_gym.rewards import Reward, Scorer, get_reward
from tool_gym.rewards.judging import step_returns
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import Binding, Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall, Turn
from tool_gym.values import NumberValue, TextValue

HORIZON = 10
ITERATIONS = 60
EPISODES = 32
"""Episodes of one iteration."""
SEEDS = range(5)
LEARNING_RATE = 0.5
SHOWN = (
    "step_grained",
    "step_grained:mode=mean:call_cost=0.55",
    "solve",
    "step_grained:mode=final_only",
    "step_grained:mode=mean",
    "ftrl_f1",
    "tool_match",
)


def _chain() -> Scenario:
    by_date = {"ship_id": "SH1", "order_by": "date", "direction": "descending"}
    latest = Binding(
        operation="top", entity="booking", field="date", filter=(("ship_id", "SH1"),), inputs=("descending",)
    )
    berth, fee = cell("booking", "BK9", "berth_id"), cell("berth", "BE2", "daily_fee")
    gold = NumberValue(value=4300, unit="USD")
    hops = [
        read("ship", "find_ship", {"name": "Aurora"}, found("ship", "Aurora"), "id", TextValue(value="SH1")),
        read("latest", "top_booking", by_date, latest, "id", TextValue(value="BK9"), "ship"),
        read("berth", "get_booking", {"booking_id": "BK9"}, berth, "berth_id", TextValue(value="BE2"), "latest"),
        read("fee", "get_berth", {"berth_id": "BE2", "field": "daily_fee"}, fee, "daily_fee", gold, "berth"),
    ]
    links = {
        "latest": {"ship_id": ("ship", "id")},
        "berth": {"booking_id": ("latest", "id")},
        "fee": {"berth_id": ("berth", "berth_id")},
    }
    text = "What is the daily fee of the berth of the Aurora's latest booking?"
    return scenario("multi_hop", text, hops, [answer(gold, *(hop.id for hop in hops))], [plan(hops, links)])


CHAIN = _chain()
HARMLESS = (
    call("calculate", operation="add", a=1, b=1),
    call("convert_unit", value=1, from_unit="t", to_unit="kg"),
    call("get_owner", owner_id="OW1", field="name"),
    call("get_ship", ship_id="SH2", field="type"),
)
"""Calls that succeed whenever they are made, and help nobody."""


class Played(NamedTuple):
    """One turn, played."""

    turn: Turn
    step: Step
    place: int
    """The hops that are known after it."""


def _turns() -> list[list[Played]]:
    """Return what comes of each action, by the number of hops known: eight calls, and the answer.

    The call of a hop takes its argument from the hop before it; as long as that is not known, it is made up and
    fails.
    """
    plan_calls = [call(goal.tool, **(goal.arguments or {})) for goal in CHAIN.sub_goals]
    session = InProcessRuntime(CHAIN.tools, WORLD).start()

    def played(turn: Turn, place: int) -> Played:
        return Played(turn, Step(turn, run(session, turn)), place)

    rows = []
    for known in range(len(plan_calls) + 1):
        row = []
        for hop, made in enumerate(plan_calls):
            arguments = made.arguments if hop <= known else dict.fromkeys(made.arguments, "unknown")
            row.append(played(calls(ToolCall(made.name, arguments)), max(known, hop + 1) if hop <= known else known))
        row += [played(calls(made), known) for made in HARMLESS]
        said = "4300 USD" if known == len(plan_calls) else "I do not know"
        rows.append([*row, played(Turn(f"Answer: {said}"), known)])
    return rows


TURNS = _turns()
FINISH = len(TURNS[0]) - 1
KNOWN = len(TURNS) - 1


class Episode(NamedTuple):
    """What an agent did and earned."""

    places: list[int]
    actions: list[int]
    rewards: list[float]

    @property
    def solved(self) -> bool:
        return self.actions[-1] == FINISH and self.places[-1] == KNOWN


def play_actions(scorer: Scorer, actions: Iterator[int]) -> Episode:
    """Play actions until one of them finishes, or to the horizon; `actions` is asked once a step."""
    places, taken, rewards = [0], [], []
    for action in actions:
        played = TURNS[places[-1]][action]
        taken.append(action)
        rewards.append(scorer.step(played.step).delta)
        if action == FINISH or len(taken) == HORIZON:
            break
        places.append(played.place)
    return Episode(places, taken, rewards)


def learn(reward: Reward, seed: int) -> float:
    """Return the share of 200 episodes that are solved after learning by REINFORCE.

    The policy is a softmax over the nine actions at each of the five places. A step is credited with its own return,
    undiscounted, less the mean return at its place, and over the standard deviation of the iteration, so that a
    reward's scale does not matter.
    """
    rng = np.random.default_rng(seed)
    preferences = np.zeros((KNOWN + 1, FINISH + 1))
    for _ in range(ITERATIONS):
        policy = _softmax(preferences)
        episodes = [_sampled(reward.start(CHAIN), policy, rng) for _ in range(EPISODES)]
        places = np.concatenate([episode.places for episode in episodes])
        actions = np.concatenate([episode.actions for episode in episodes])
        returns = np.concatenate([step_returns(episode.rewards) for episode in episodes])
        for place in range(KNOWN + 1):
            here = places == place
            returns[here] -= returns[here].mean() if here.any() else 0.0
        advantages = returns / (returns.std() + 1e-6)
        gradient = np.zeros_like(preferences)
        np.add.at(gradient, (places, actions), advantages)
        np.add.at(gradient, places, -advantages[:, None] * policy[places])
        preferences += LEARNING_RATE * gradient / EPISODES
    policy = _softmax(preferences)
    return float(np.mean([_sampled(reward.start(CHAIN), policy, rng).solved for _ in range(200)]))


def _sampled(scorer: Scorer, policy: np.ndarray, rng: np.random.Generator) -> Episode:
    places = [0]

    def draw() -> Iterator[int]:
        while True:
            action = int(np.searchsorted(np.cumsum(policy[places[0]]), rng.random()))
            action = min(action, FINISH)
            places[0] = TURNS[places[0]][action].place
            yield action

    return play_actions(scorer, draw())


def _softmax(preferences: np.ndarray) -> np.ndarray:
    raised = np.exp(preferences - preferences.max(axis=1, keepdims=True))
    shares: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return shares


def table() -> str:
    """Return the share of solved episodes after learning, for each reward and seed."""
    lines = ["| reward | solved, by seed | mean |", "|---|---|---|"]
    for name in SHOWN:
        shares = [learn(get_reward(name), seed) for seed in SEEDS]
        lines.append(f"| `{name}` | {', '.join(f'{share:.2f}' for share in shares)} | {np.mean(shares):.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
