"""What a reward promises of any scenario with a plan, as functions of (scenario, world, reward).

They hold for the handmade scenarios and for every pack that is shipped; the numbers are those of docs/reward.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.handmade import call, calls, closing, oracle_turns, play, run
from tool_gym.rewards import Reward, SolveReward, score
from tool_gym.rewards.credit import CreditTable
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import Scenario, SubGoal
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import BrokenCall, Effect, Outcome, ToolCall, ToolResult, Turn
from tool_gym.world import World

EXACT = 1e-9
BROKEN = BrokenCall("bad_json", "not valid JSON")
SOLVE: Reward = SolveReward()
MAX_ORDERS = 12


def check_oracle_earns_one(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that every plan earns exactly 1, and never more on the way."""
    for number in range(len(scenario.plans)):
        earned = [step.reward for step in play(scenario, oracle_turns(scenario, number), reward, world).steps]
        assert sum(earned) == pytest.approx(1, abs=EXACT)
        assert max(_running(earned)) <= 1 + EXACT


def check_silence_earns_nothing(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that empty turns, and no turns at all, earn nothing."""
    played = play(scenario, [Turn("")] * len(scenario.user_turns), reward, world)
    assert played.terminated
    assert [step.reward for step in played.steps] == [0.0] * len(scenario.user_turns)
    assert score(reward, scenario, played._replace(steps=())).value == 0.0


def check_guessing_earns_nothing(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that the right acts without the calls they rest on earn nothing."""
    turns = [closing(scenario, number) for number in range(len(scenario.user_turns))]
    if all(goal.rests_on for goal in scenario.goals if goal.kind != "ask"):
        assert play(scenario, turns, reward, world).episode_return == 0.0


def check_damage_lowers(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that dropping, corrupting or doubling any call of a plan lowers the return strictly, and so does junk."""
    for number in range(len(scenario.plans)):
        turns = oracle_turns(scenario, number)
        damaged = [*dropped(turns), *corrupted(scenario, world, number), *doubled(turns), *with_junk(scenario, turns)]
        for changed in damaged:
            assert play(scenario, changed, reward, world).episode_return < 1 - EXACT, changed


def check_orders_earn_the_same(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that orders the graph allows earn 1, and that each call and each question of them raises the score."""
    for number in range(len(scenario.plans)):
        for order in islice(orders(scenario, number), MAX_ORDERS):
            turns = oracle_turns(scenario, number, order)
            played = play(scenario, turns, reward, world)
            assert played.episode_return == pytest.approx(1, abs=EXACT)
            for step in played.steps:
                asks = step.turn.text.startswith("Ask:")
                if asks or (step.turn.calls and all(result.ok for result in step.results)):
                    assert step.reward > EXACT, step


def check_repeating_earns_less(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that a policy that repeats a call never gets to the oracle's return: alone, or within the oracle."""
    acts = [closing(scenario, number) for number in range(len(scenario.user_turns))]
    for number in range(len(scenario.plans)):
        turns = oracle_turns(scenario, number)
        for index, turn in enumerate(turns):
            if turn.calls:
                for times in (2, 5):
                    repeated = [turn] * times
                    for changed in ([*repeated, *acts], [*turns[:index], *repeated, *turns[index + 1 :]]):
                        if changed == turns:
                            continue  # a transient fault's own retry
                        earned = [step.reward for step in play(scenario, changed, reward, world).steps]
                        assert max(_running(earned)) < 1 - EXACT, changed


def check_detours(scenario: Scenario, world: World, reward: Reward = SOLVE) -> None:
    """Check that the oracle still earns 1 if it goes astray at any point and is restored to where it was."""
    steps = play(scenario, oracle_turns(scenario), reward, world).steps
    astray = [turns[number] for turns in corrupted(scenario, world, 0) for number in range(len(turns))]
    runtime = InProcessRuntime(scenario.tools, world, scenario.faults)
    for point in range(len(steps)):
        session, scorer, total = runtime.start(), reward.start(scenario), 0.0
        for number, step in enumerate(steps):
            if number == point:
                kept = session.snapshot(), scorer.snapshot()
                for turn in [*astray, Turn("Decline: no.")]:
                    scorer.step(Step(turn, run(session, turn), step.user_turn))
                session.restore(kept[0])
                scorer.restore(kept[1])
            total += scorer.step(Step(step.turn, run(session, step.turn), step.user_turn)).delta
        assert total == pytest.approx(1, abs=EXACT)


def check_folding(scenario: Scenario, turns: Sequence[Turn], world: World, reward: Reward = SOLVE) -> None:
    """Check that scores stay in [0, 1], add up, and are the same when the stored trajectory is scored again."""
    played = play(scenario, turns, reward, world)
    again = score(reward, scenario, played)
    assert [step.delta for step in again.steps] == [step.reward for step in played.steps]
    assert [step.parts for step in again.steps] == [step.parts for step in played.steps]
    assert all(-EXACT <= step.score <= 1 + EXACT for step in again.steps)
    assert played.episode_return == pytest.approx(again.value, abs=EXACT)


def check_snapshots(  # noqa: PLR0913, PLR0917 - the point, and what happens on the way there, after it, instead of that
    scenario: Scenario,
    before: Sequence[Turn],
    after: Sequence[Turn],
    instead: Sequence[Turn],
    world: World,
    reward: Reward = SOLVE,
) -> None:
    """Check that an episode restored to a snapshot goes on as if nothing had happened since, here and in a twin."""
    runtime = InProcessRuntime(scenario.tools, world, scenario.faults)
    session, scorer = runtime.start(), reward.start(scenario)

    def go(turns: Sequence[Turn]) -> list[Any]:
        return [(results := run(session, turn), scorer.step(Step(turn, results))) for turn in turns]

    go(before)
    kept = session.snapshot(), scorer.snapshot(), session.digest()
    first, digest = go(after), session.digest()
    go(instead)
    for _ in range(2):
        session.restore(kept[0])
        scorer.restore(kept[1])
        assert session.digest() == kept[2]
        assert go(after) == first
        assert session.digest() == digest
        session, scorer = runtime.start(), reward.start(scenario)


CHECKS = (
    check_oracle_earns_one,
    check_silence_earns_nothing,
    check_guessing_earns_nothing,
    check_damage_lowers,
    check_orders_earn_the_same,
    check_repeating_earns_less,
    check_detours,
)
"""What is checked of (scenario, world, reward), for a scenario with a plan."""


# --- what is done to an oracle ---------------------------------------------------------------------------------------


def dropped(turns: list[Turn]) -> Iterator[list[Turn]]:
    """Yield the turns without one of the calls or questions."""
    for index, turn in enumerate(turns):
        ends = not turn.calls and not turn.text.startswith("Ask:")
        if not ends and turn not in turns[:index] + turns[index + 1 :]:
            yield turns[:index] + turns[index + 1 :]


def doubled(turns: list[Turn]) -> Iterator[list[Turn]]:
    """Yield the turns with one of the calls made again: in the same turn, in the next, and at the end."""
    for index, turn in enumerate(turns):
        if turn.calls and turn != turns[index + 1]:
            yield [*turns[:index], Turn(calls=turn.calls * 2), *turns[index + 1 :]]
            yield [*turns[: index + 1], turn, *turns[index + 1 :]]
            yield [*turns[:-1], turn, turns[-1]]


def with_junk(scenario: Scenario, turns: list[Turn]) -> Iterator[list[Turn]]:
    """Yield the turns with a useless call or question in every place."""
    name = scenario.tools[0].name
    answer = turns[-1].text.partition(": ")[2]
    for junk in (
        calls(BROKEN),
        calls(call("no_such_tool")),
        calls(ToolCall(name, {"answer": answer})),
        Turn("Ask: zzz?"),
    ):
        for index in range(len(turns)):
            yield [*turns[:index], junk, *turns[index:]]


def corrupted(scenario: Scenario, world: World, number: int) -> Iterator[list[Turn]]:
    """Yield a plan's turns with one argument of one call changed so that the call no longer solves its sub-goal."""
    for step in scenario.plans[number].steps:
        sub_goal, found = scenario.sub_goal_by_id[step.sub_goal], 0
        for changed in _corruptions(scenario, sub_goal):
            turns = oracle_turns(scenario, number)
            right = calls(ToolCall(sub_goal.tool, dict(sub_goal.arguments or {})))
            if not _still_serves(scenario, world, turns[: turns.index(right)], changed, sub_goal):
                found += 1
                yield [changed if turn == right else turn for turn in turns]
        assert found or not sub_goal.arguments, f"no argument of {sub_goal.id} matters"


def orders(scenario: Scenario, number: int) -> Iterator[list[str]]:
    """Yield the orders of a plan that its graph allows, the plan's own last."""
    names = [step.sub_goal for step in scenario.plans[number].steps]
    parents = {name: {p.id for p in scenario.sub_goal_by_id[name].parents} & set(names) for name in names}

    def extend(done: list[str]) -> Iterator[list[str]]:
        if len(done) == len(names):
            yield done
        for name in reversed(names):
            if name not in done and parents[name] <= set(done):
                yield from extend([*done, name])

    return extend([])


def arbitrary_turns(scenario: Scenario) -> st.SearchStrategy[list[Turn]]:
    """Draw episodes: right and wrong calls, several to a turn, and acts of every kind."""
    right = [
        ToolCall(goal.tool, dict(goal.arguments or {})) for goal in scenario.sub_goals if goal.arguments is not None
    ]
    wrong = [item for goal in scenario.sub_goals for turn in _corruptions(scenario, goal) for item in turn.calls]
    values = [value for item in right for value in item.arguments.values()] + ["SH2", 3, "", True, None]
    tools = {tool.name: list(tool.parameters.get("properties", {})) for tool in scenario.tools}
    pairs = st.sampled_from(sorted(tools)).flatmap(
        lambda name: st.builds(
            ToolCall,
            st.just(name),
            st.dictionaries(st.sampled_from([*tools[name], "junk"]), st.sampled_from(values), max_size=4),
        )
    )
    a_call = st.one_of(st.sampled_from([*right, *wrong, BROKEN, call("no_such_tool")]), pairs)
    texts = [closing(scenario, number).text for number in range(len(scenario.user_turns))]
    asks = [f"Ask: {goal.keywords[0]}?" for goal in scenario.goals if goal.kind == "ask"]
    acts = st.sampled_from([*texts, *asks, "Ask: who?", "Decline: no.", "", "Answer: 42", "Answer: Rotterdam or Oslo"])
    turn = st.one_of(st.lists(a_call, min_size=1, max_size=3).map(lambda made: Turn(calls=tuple(made))), acts.map(Turn))
    return st.lists(turn, max_size=10)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["OW2", 48, "id"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "items", "value"]), inner),
    max_leaves=6,
)
EFFECTS = st.builds(
    Effect, st.sampled_from(["ship", "zoo"]), st.just("SH5"), st.just("crew"), JSON, JSON, st.booleans()
)
RESULTS = st.builds(ToolResult, st.sampled_from(Outcome), JSON, st.just(""), st.lists(EFFECTS, max_size=2).map(tuple))


@st.composite
def arbitrary_records(draw: st.DrawFn, scenario: Scenario) -> Trajectory:
    """Draw stored trajectories: the turns of `arbitrary_turns`, with results no tool ever gave."""
    steps = []
    for turn in draw(arbitrary_turns(scenario)):
        results = tuple(draw(RESULTS) for _ in turn.calls)
        steps.append(Step(turn, results, draw(st.integers(0, len(scenario.user_turns)))))
    return Trajectory(scenario.id, tuple(steps))


def _corruptions(scenario: Scenario, sub_goal: SubGoal) -> Iterator[Turn]:
    schemas = scenario.tool_by_name[sub_goal.tool].parameters.get("properties", {})
    arguments = sub_goal.arguments or {}
    for name, value in arguments.items():
        others = [other for other in schemas.get(name, {}).get("enum", ()) if other != value][:2]
        if isinstance(value, int | float) and not isinstance(value, bool):
            others = [value + 1]
        for other in others or [f"{value}0"]:
            yield calls(ToolCall(sub_goal.tool, {**arguments, name: other}))
        yield calls(ToolCall(sub_goal.tool, {key: item for key, item in arguments.items() if key != name}))


def _still_serves(scenario: Scenario, world: World, before: list[Turn], changed: Turn, sub_goal: SubGoal) -> bool:
    session = InProcessRuntime(scenario.tools, world, scenario.faults).start()
    for turn in before:
        run(session, turn)
    (made,), (result,) = changed.calls, run(session, changed)
    while result.outcome is Outcome.TRANSIENT_FAULT:
        (result,) = run(session, changed)
    table = CreditTable.of(scenario)
    return (
        isinstance(made, ToolCall) and result.ok and bool(table.served(made, result)[0] >> table.ids[sub_goal.id] & 1)
    )


def _running(rewards: Sequence[float]) -> list[float]:
    total, sums = 0.0, [0.0]
    for reward in rewards:
        total += reward
        sums.append(total)
    return sums
