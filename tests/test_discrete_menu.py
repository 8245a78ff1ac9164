"""What stands in the menu of DiscreteToolActions: nothing that a model could not know, and mostly what is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import menu_coverage
from benchmarks.menu_coverage import SHAPES, play
from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack, open_pack
from tool_gym.envs.wrappers import DiscreteToolActions
from tool_gym.envs.wrappers.discrete_features import HEAD, LATEST, STATE, WORDS, observe
from tool_gym.envs.wrappers.discrete_menu import menu, size
from tool_gym.envs.wrappers.discrete_reading import Reading
from tool_gym.scenario import DeclineGoal, Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import Outcome, ToolCall, ToolResult, Turn
from tool_gym.validation import ArgumentValidator
from tool_gym.world import World

EVERYDAY = open_pack("everyday")
SOME = [*EVERYDAY.entries("train")[::400], *EVERYDAY.entries("test")[::100]]


def env_with(scenario: Scenario, world: World = WORLD, **kwargs: Any) -> DiscreteToolActions:
    return DiscreteToolActions(ToolUseEnv(MemoryPack([scenario], [world]), dialect="structured"), **kwargs)


def seen(env: DiscreteToolActions, seed: int) -> Iterator[Any]:
    """Play one episode at random; yield observations and menus."""
    rng, over = np.random.default_rng(seed), False
    observation, info = env.reset(seed=0)
    yield observation.tolist(), env.menu
    while not over:
        action = int(rng.choice(np.flatnonzero(info["action_mask"])))
        observation, _, terminated, truncated, info = env.step(action)
        yield observation.tolist(), env.menu
        over = terminated or truncated


def offered(env: DiscreteToolActions) -> list[ToolCall]:
    """Return the calls of the menu."""
    return [call for turn in env.menu if turn is not None for call in turn.calls if isinstance(call, ToolCall)]


def without_answers(scenario: Scenario) -> Scenario:
    """Return the scenario with all that only a judge may know taken out or replaced."""
    last = len(scenario.user_turns) - 1
    goals = (DeclineGoal(id="other", reason="nothing of the kind.", user_turn=last),)
    fields = {name: getattr(scenario, name) for name in Scenario.model_fields}
    hidden: dict[str, Any] = {"plans": (), "sub_goals": (), "goals": goals, "difficulty": {}, "certificate": {}}
    return Scenario(**{**fields, **hidden, "shape": "decline", "knobs": {}})


@pytest.mark.parametrize("entry", SOME, ids=lambda entry: entry.id)
def test_no_menu_and_no_observation_knows_plan_sub_goals_or_goals(entry: Any) -> None:
    scenario, world = EVERYDAY.task(entry.id)
    for seed in range(3):
        known = list(seen(env_with(scenario, world), seed))
        assert known == list(seen(env_with(without_answers(scenario), world), seed))


@pytest.mark.parametrize("name", sorted(SCENARIOS.keys() - {"ask"}))
def test_nor_in_scenarios_written_by_hand(name: str) -> None:
    for seed in range(5):
        known = list(seen(env_with(SCENARIOS[name]), seed))
        assert known == list(seen(env_with(without_answers(SCENARIOS[name])), seed))


def test_no_first_menu_knows_a_cell_of_the_world() -> None:
    rows = {row: {**cells, "crew": 199, "draft": 1.5} for row, cells in WORLD.tables["ship"].rows.items()}
    ships = WORLD.tables["ship"].model_copy(update={"rows": rows})
    other = World(domain=WORLD.domain, tables={**WORLD.tables, "ship": ships})
    scenario = SCENARIOS["single_hop"]
    moved = scenario.model_copy(update={"world_ref": other.id})
    assert next(seen(env_with(scenario), 0)) == next(seen(env_with(moved, other), 0))


@pytest.mark.parametrize("entry", SOME, ids=lambda entry: entry.id)
def test_every_call_of_a_menu_fits_its_tool_s_schema(entry: Any) -> None:
    scenario, world = EVERYDAY.task(entry.id)
    validators = {tool.name: ArgumentValidator.of(tool.parameters) for tool in scenario.tools}
    env = env_with(scenario, world)
    for _, shown in seen(env, 1):
        calls = [call for turn in shown if turn is not None for call in turn.calls]
        assert all(isinstance(call, ToolCall) for call in calls)
        assert [call for call in calls if not validators[call.name].is_valid(call.arguments)] == []


@pytest.mark.parametrize("entry", SOME, ids=lambda entry: entry.id)
def test_no_menu_offers_a_call_or_an_answer_twice_or_a_call_that_was_answered(entry: Any) -> None:
    env = env_with(*EVERYDAY.task(entry.id))
    base = env.unwrapped
    assert isinstance(base, ToolUseEnv)
    for _, shown in seen(env, 2):
        calls = [repr(turn.calls[0]) for turn in shown[env.first_call :] if turn is not None]
        made = [repr(call) for step in base.trajectory.steps for call in step.turn.calls]
        assert len(set(calls)) == len(calls)
        assert base.terminated or set(calls).isdisjoint(made)
        for start in range(4, env.first_call, 6):
            answers = [turn.text for turn in shown[start : start + 6] if turn is not None]
            assert len(set(answers)) == len(answers)


def test_calls_stand_in_order_of_their_scores_and_gaps_come_last() -> None:
    env = env_with(*EVERYDAY.task(SOME[0].id))
    observation, _ = env.reset(seed=0)
    rows, columns = env.entry_shape
    calls = observation[-rows * columns :].reshape(rows, columns)[env.first_call :]
    present, score = calls[:, 0], calls[:, 3]
    count = int(present.sum())
    assert present[:count].all()
    assert 2 < count < len(calls)
    assert (np.diff(score[:count]) <= 0).all()


# A parameter that does not say it is a date, a number in words, a first try that pays nothing.
@pytest.mark.parametrize("name", sorted(set(WITH_ORACLE) - {"days", "two_plans", "fault"}))
def test_the_menu_has_what_a_scenario_written_by_hand_needs(name: str) -> None:
    env = env_with(SCENARIOS[name])
    assert play(env, SCENARIOS[name].id).earned == pytest.approx(1.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_menu_mostly_has_what_the_oracle_needs(shape: str) -> None:
    env = DiscreteToolActions(ToolUseEnv(EVERYDAY, dialect="structured"))
    entries = [entry for entry in EVERYDAY.entries() if entry.shape == shape][::12]
    solved = [play(env, entry.id).earned > 1 - 1e-9 for entry in entries]
    assert np.mean(solved) > 0.9


def test_a_question_names_what_is_missing() -> None:
    env = env_with(SCENARIOS["ask"])
    env.reset(seed=0)
    asks = [turn.text for turn in env.menu[2:4] if turn is not None]
    assert "Ask: which date?" in asks


def test_what_the_user_replies_can_go_into_a_call() -> None:
    env = env_with(SCENARIOS["ask"])
    env.reset(seed=0)
    before = offered(env)
    env.step(env.menu.index(Turn("Ask: which date?")))
    after = offered(env)
    assert not any("2025-04-02" in call.arguments.values() for call in before)
    assert any("2025-04-02" in call.arguments.values() for call in after)


def test_a_call_that_failed_through_no_fault_of_the_model_is_offered_again() -> None:
    env = env_with(SCENARIOS["fault"])
    env.reset(seed=0)
    wanted = {"owner_id": "OW2", "field": "home_port"}

    def number_of(arguments: dict[str, Any]) -> int | None:
        for number, turn in enumerate(env.menu):
            if turn is not None and turn.calls and turn.calls[0][1] == arguments:
                return number
        return None

    first = number_of({"ship_id": "SH1", "field": "owner_id"})
    assert first is not None
    env.step(first)
    second = number_of(wanted)
    assert second is not None
    *_, info = env.step(second)
    assert info["step"].results[0].outcome is Outcome.TRANSIENT_FAULT
    assert number_of(wanted) is not None


# --- anything may be said and served

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
SCHEMAS = st.sampled_from(
    [
        {},
        {"type": "object"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "boolean"},
        {"type": ["string", "null"]},
        {"enum": [["a"], {"b": 1}, None, True, 3, "x"]},
        {"type": "string", "description": "YYYY-MM-DD"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "number"},
        True,
    ]
)
TOOLS = st.lists(
    st.builds(
        lambda name, of, required: {
            "function": {
                "name": name,
                "description": "Anything.",
                "parameters": {"type": "object", "properties": of, "required": [*of] if required else []},
            }
        },
        st.sampled_from(["get_ship", "x", "_", "set_", "a.b-c"]),
        st.dictionaries(st.sampled_from(["id", "type", "field", "a_id", "value", "on_", ""]), SCHEMAS, max_size=4),
        st.booleans(),
    ),
    max_size=4,
)


@settings(max_examples=150)
@given(st.text(max_size=80), TOOLS, st.lists(st.tuples(st.text(max_size=8), JSON, JSON), max_size=4), st.text())
def test_a_menu_can_be_made_of_anything(
    request_text: str, tools: list[dict[str, Any]], served: list[tuple[str, Any, Any]], reply: str
) -> None:
    reading = Reading(request_text, tools)
    for name, argument, value in served:
        call, result = ToolCall(name, {"id": argument}), ToolResult(Outcome.OK, value)
        reading.take(Step(Turn(calls=(call,)), (result,)))
        entries = menu(reading, 2, 10)
        assert len(entries) == size(2, 10)
        assert np.isfinite(observe(reading, entries, 0.5)).all()
    reading.take(Step(Turn("Answer: x"), (), 0, reply))
    assert menu(reading, 2, 10)[0] is not None


# --- what the page says

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "classic-rl.md").read_text(encoding="utf-8")


def test_the_page_tells_the_sizes() -> None:
    env = DiscreteToolActions(ToolUseEnv(EVERYDAY))
    rows, columns = env.entry_shape
    observation, _ = env.reset(seed=0)
    assert f"({rows}, {columns})" in PAGE
    assert f"| {rows} × {columns} |" in PAGE
    assert f"# Discrete({rows}) {observation.shape}" in PAGE
    assert f"| {env.first_call}–{rows - 1} | calls" in PAGE
    assert [f"\n| {size} | " in PAGE for size in (STATE, WORDS, LATEST)] == [True] * 3
    assert HEAD == STATE + WORDS + LATEST == observation.size - rows * columns


@pytest.mark.slow
def test_the_page_s_coverage_is_what_the_program_prints(capsys: pytest.CaptureFixture[str]) -> None:
    menu_coverage.main([])
    printed = capsys.readouterr().out
    assert printed.strip() in PAGE
