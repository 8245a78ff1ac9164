"""Conformance: what every scenario must satisfy, ours or yours.

`check_scenario` plays a scenario and reports what is wrong with it; `check_pack` does so for a whole pack. Both are
run on every pack that ships, and by `tool-gym check`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema

from tool_gym import jsonio
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import MAX_OBSERVATION_CHARS, ToolUseEnv
from tool_gym.envs.pack import MemoryPack, Pack, Task
from tool_gym.envs.policies.reference import OraclePolicy, SilentPolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import ToolGymError
from tool_gym.rewards import get_reward, score
from tool_gym.scenario import Plan, Scenario
from tool_gym.trajectory import Trajectory
from tool_gym.turns import BrokenCall, ToolCall, Turn
from tool_gym.values import SequenceValue, SetValue, Value, display, leaves, same
from tool_gym.world import World

MAX_SIZE = 512
"""Most sub-goals, plans' calls in all, and user turns of a scenario that is played; a larger one is a finding."""

PLACEHOLDERS: tuple[Any, ...] = ("", "test", "example", "unknown", "string", "1", 0, 1, True)
"""Values tried for every argument: none of them may give an answer away."""

_NO_FORMATS = jsonschema.FormatChecker(())
_TOKEN = re.compile(r"\w+(?:[.\-]\w+)*")
_JUNK = Turn(calls=(ToolCall("no_such_tool", {}),))


class Finding(NamedTuple):
    """Something wrong with a scenario."""

    check: str
    """Which check failed."""
    message: str


class PackReport(NamedTuple):
    """The outcome of checking a pack."""

    checked: int
    findings: dict[str, list[Finding]]
    """Scenario id → what is wrong with it; scenarios without fault are left out."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def check_scenario(scenario: Scenario, world: World | None = None) -> list[Finding]:
    """Return what is wrong with a scenario; an empty list if nothing is.

    Args:
        scenario: The scenario.
        world: Its world, unless it carries its own.

    Checked: its id, size and JSON form; its world; its tools on that world, and their schemas against the
    meta-schema by the reference implementation too; that every dialect's opening fits the observation space; that
    no answer stands in the request, and each is served by the calls it rests on; that
    the oracle earns exactly 1 by every plan and in every dialect, and silence 0; that leaving out, repeating or
    adding a call earns less, and so does the last act alone; that placeholder arguments give nothing away; that
    snapshots restore, rescoring agrees and the shared world stays untouched.
    Scenarios without a plan (imported records) are exempt from what needs an oracle.
    """
    try:
        pack = MemoryPack([scenario], [world] if world is not None else [])
        return _Check(pack.task(scenario.id)).findings()
    except ToolGymError as error:
        return [Finding("loads", str(error))]


def check_pack(
    pack: Pack,
    *,
    split: str | None = None,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> PackReport:
    """Check the scenarios of a pack.

    Args:
        pack: The pack; opening it has verified its hashes.
        split: Only this split; None for all.
        limit: At most so many scenarios, spread evenly; None for all.
        progress: Called with the number of scenarios checked so far.
    """
    entries = list(pack.entries(split))
    if limit is not None and limit < len(entries):
        entries = [entries[number * len(entries) // limit] for number in range(limit)]
    findings: dict[str, list[Finding]] = {}
    for number, entry in enumerate(entries, 1):
        try:
            task = pack.task(entry.id)
            found = check_scenario(task.scenario, task.world)
        except ToolGymError as error:
            found = [Finding("loads", str(error))]
        if found:
            findings[entry.id] = found
        if progress is not None:
            progress(number)
    return PackReport(len(entries), findings)


class _Check:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._scenario = task.scenario
        self._pack = MemoryPack([task.scenario], [task.world])
        self._found: list[Finding] = []

    def findings(self) -> list[Finding]:
        self._task.world.check()
        if self._size() > MAX_SIZE:
            self._add("size", f"{self._size()} sub-goals, calls of plans or user turns; it is played up to {MAX_SIZE}")
            return self._found
        before = self._task.world.id, self._digest()
        self._check_form()
        self._check_silence()
        self._check_placeholders()
        for number, plan in enumerate(self._scenario.plans):
            self._check_plan(number, plan)
        if (self._task.world.model_copy().id, self._digest()) != before:
            self._add("world", "playing it changed the shared world")
        return self._found

    def _size(self) -> int:
        scenario = self._scenario
        calls = sum(len(plan.steps) for plan in scenario.plans)
        return max(len(scenario.sub_goals), len(scenario.plans), calls, len(scenario.user_turns))

    def _add(self, check: str, message: str) -> None:
        self._found.append(Finding(check, message))

    def _env(self, dialect: str = "structured") -> ToolUseEnv:
        longest = max((len(plan.steps) for plan in self._scenario.plans), default=0)
        acts = len(self._scenario.goals) + len(self._scenario.user_turns)
        turns = longest + acts + sum(fault.times for fault in self._scenario.faults)
        return ToolUseEnv(self._pack, dialect=dialect, max_turns=2 * turns + 8)

    def _digest(self) -> str:
        env = self._env()
        env.reset(seed=0)
        return env.state_digest()

    def _check_form(self) -> None:
        scenario = self._scenario
        if scenario.id != scenario.content_id:
            self._add("id", f"its content gives the id {scenario.content_id}")
        if Scenario.from_json(scenario.to_json(), check_id=False) != scenario:
            self._add("json", "it does not survive a round trip through JSON")
        for name in DIALECTS:
            env = self._env(name)
            if env.reset(seed=0)[0] not in env.observation_space:
                self._add("opening", f"in the dialect {name} it is longer than {MAX_OBSERVATION_CHARS} characters")
        for tool in scenario.tools:
            problem = _schema_problem(jsonio.dump_bytes(tool.parameters, sort_keys=True))
            if problem:
                self._add("schemas", f"{tool.name}: {problem}")

        for number, text in enumerate(scenario.user_turns):
            if not any(map(str.isalnum, text)):
                self._add("request", f"user turn {number} says nothing")
        self._check_leaks()

    def _check_leaks(self) -> None:
        """Check that no number, date or code to be answered stands in what the user says; names may be choices."""
        for goal in self._scenario.goals:
            if goal.kind == "answer":
                said = _tokens(" ".join(self._scenario.user_turns[: goal.user_turn + 1]))
                for gold in _flat(goal.gold):
                    shown = str(gold.value) if gold.kind == "number" else display(gold)
                    if gold.kind in ("number", "date", "text") and f" {_tokens(shown)} " in f" {said} ":
                        self._add("leak", f"the answer {shown!r} stands in the request")

    def _check_answers(self, trajectory: Trajectory, plan: Plan) -> None:
        """Check that every answer is served by the calls its goal rests on."""
        number_of = {step.sub_goal: number for number, step in enumerate(plan.steps)}
        results = [result for step in trajectory.steps for result in step.results if result.ok]
        for goal in self._scenario.goals:
            if goal.kind != "answer" or not goal.rests_on:
                continue
            numbers = [number_of[name] for name in goal.rests_on if name in number_of]
            served = [results[number].value for number in numbers if number < len(results)]
            values = [leaf for value in served for leaf in (*leaves(value), *_lists(value))]
            for gold in _flat(goal.gold):
                if not any(same(gold, value) for value in values):
                    self._add("answer", f"no call that goal {goal.id!r} rests on serves {display(gold)!r}")

    def _check_silence(self) -> None:
        earned = rollout(self._env(), SilentPolicy(), seed=0).episode_return
        if earned != 0:
            self._add("silence", f"saying nothing earns {earned:.3f}")

    def _check_placeholders(self) -> None:
        golds = [(item.tool, item.gold) for item in self._scenario.sub_goals if item.gold is not None]
        env = self._env()
        env.reset(seed=0)
        state = env.snapshot()
        for tool, gold in golds:
            parameters = self._scenario.tool_by_name[tool].parameters
            if not parameters.get("required") or "properties" not in parameters:
                continue  # calling it is all there is to it
            for value in PLACEHOLDERS:
                env.restore(state)
                arguments = dict.fromkeys(parameters["properties"], value)
                *_, info = env.step(Turn(calls=(ToolCall(tool, arguments),)))
                result = info["step"].results[0]
                if result.ok and any(same(gold, leaf) for leaf in leaves(result.value)):
                    self._add("placeholders", f"{tool} serves a gold for {arguments}")

    def _check_plan(self, number: int, plan: Plan) -> None:
        played = {name: rollout(self._env(name), OraclePolicy(number), seed=0) for name in DIALECTS}
        for name, trajectory in played.items():
            if not _is(trajectory.episode_return, 1.0) or not trajectory.terminated:
                self._add("oracle", f"plan {number} earns {trajectory.episode_return:.6f} in the dialect {name}, not 1")
        trajectory = played["structured"]
        self._check_answers(trajectory, plan)
        turns = [step.turn for step in trajectory.steps]
        self._check_records(trajectory)
        self._check_snapshot(turns)
        for position in range(len(turns)):
            self._check_variants(turns, position)
        if self._replay([_JUNK, *turns]).episode_return >= 1 - 1e-9:
            self._add("junk", "a junk call costs nothing")
        declines = any(goal.kind == "decline" for goal in self._scenario.goals)
        if plan.steps and not declines and self._replay(turns[-1:]).episode_return > 1e-9:
            self._add("guess", "the last act alone earns something")

    def _check_records(self, trajectory: Trajectory) -> None:
        again = Trajectory.from_json(trajectory.to_json())
        if not _is(score(get_reward("solve"), self._scenario, again).value, trajectory.episode_return):
            self._add("rescoring", "the stored trajectory scores differently")

    def _check_snapshot(self, turns: list[Turn]) -> None:
        env = self._env()
        env.reset(seed=0)
        middle = len(turns) // 2
        for turn in turns[:middle]:
            env.step(turn)
        state = env.snapshot()
        ends = []
        for _ in range(2):
            env.restore(state)
            earned = [env.step(turn)[1] for turn in turns[middle:]]
            ends.append((earned, env.state_digest()))
        if ends[0] != ends[1]:
            self._add("snapshot", "the same turns after a restore give something else")

    def _check_variants(self, turns: list[Turn], position: int) -> None:
        """Check that leaving out or repeating the turn at `position` earns less."""
        turn = turns[position]
        if not turn.calls or isinstance(turn.calls[0], BrokenCall):
            return
        faulty = {fault.tool for fault in self._scenario.faults}
        name = turn.calls[0].name
        if name in faulty:  # a dropped or repeated attempt may be the free one
            return
        if self._replay([*turns[:position], *turns[position + 1 :]]).episode_return >= 1 - 1e-9:
            self._add("needed", f"leaving out call {position + 1} ({name}) costs nothing")
        if self._replay([*turns[: position + 1], *turns[position:]]).episode_return >= 1 - 1e-9:
            self._add("repeat", f"repeating call {position + 1} ({name}) costs nothing")

    def _replay(self, turns: list[Turn]) -> Trajectory:
        env = self._env()
        env.reset(seed=0)
        for turn in turns:
            *_, terminated, truncated, _ = env.step(turn)
            if terminated or truncated:
                break
        return env.trajectory


@lru_cache(maxsize=4096)
def _schema_problem(schema: bytes) -> str:
    """Return what the reference implementation finds wrong with a JSON Schema; empty if nothing."""
    try:
        # Without formats: "regex" would mean Python's, and our patterns are ECMA-262.
        jsonschema.Draft202012Validator.check_schema(jsonio.loads(schema.decode()), format_checker=_NO_FORMATS)
    except jsonschema.SchemaError as error:
        return f"no JSON Schema of draft 2020-12: {error.message}"
    return ""


def _flat(gold: Value) -> tuple[Value, ...]:
    return gold.items if isinstance(gold, SequenceValue | SetValue) else (gold,)


def _lists(value: Any) -> list[Any]:
    """Return the lists anywhere inside a JSON value."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, list) else []) + [found for item in inner for found in _lists(item)]


def _tokens(text: str) -> str:
    return " ".join(_TOKEN.findall(text.casefold().replace(",", "")))


def _is(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, abs_tol=1e-9)
