"""ToolUseEnv: a scenario as a Gymnasium environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium

from tool_gym.asking import Questions
from tool_gym.dialects import INSTRUCTIONS, MAX_TURN_CHARS, Dialect, get_dialect
from tool_gym.envs.lazy import BLANK
from tool_gym.envs.pack import Entry, Pack, Task, open_pack
from tool_gym.envs.render import render_ansi
from tool_gym.envs.stage import Played, Stage, StepInfo, set_up
from tool_gym.envs.step_log import Raw, StepLog
from tool_gym.errors import EpisodeError, ScenarioError, UnknownNameError
from tool_gym.messages import Conversation
from tool_gym.rewards import Reward, Scorer, online_reward, quick
from tool_gym.runtime import Session
from tool_gym.scenario import Scenario
from tool_gym.spaces import StructuredTurn, UnicodeText
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Act, ActKind, BrokenCall, Outcome, ToolCall, ToolResult, Turn, failed, parse_act

MAX_OBSERVATION_CHARS = 1_000_000
"""Longest observation, in characters."""

IDLE_REPLY = "I have nothing to add to that. Please go on with what you have."
"""What the scripted user says to a question the scenario does not expect."""

_OPTIONS = frozenset({"scenario", "split"})
_NOTHING: frozenset[str] = frozenset()
_NOT_BEGUN = "no episode has begun; call reset()"
_BUDGET = failed(Outcome.CALL_BUDGET, "too many calls in one turn; this one was not run")


class EnvSnapshot(NamedTuple):
    """The state of an episode; independent of how the episode goes on."""

    task: Task
    reward: Reward
    seed: int | None
    session: object
    scorer: object
    steps: tuple[Raw | Step, ...]
    """As they were kept: some made, some still raw."""
    user_turn: int
    asked: frozenset[str]
    terminated: bool
    truncated: bool


class ToolUseEnv(gymnasium.Env[str, Any]):
    """One scenario at a time: the model reads, calls local tools, and answers.

    An action is one assistant turn in the chosen dialect; the observation is what the model is shown next.
    A turn that calls tools gets their results; a turn without calls is an act (see docs/reward.md): it ends the
    user turn, unless it asks for something. The episode terminates after the last user turn and is truncated
    after `max_turns`. The step reward is the change of the reward's score, so the return is the final score.

    `info` has the same keys after every step, and after `reset` all but the last three:

    - `scenario_id` (str), `messages` (OpenAI-style chat messages so far, the system message with the rules first; a
      lazy sequence: `list()` it for JSON), `tools` (list of OpenAI-style tool schemas, shared by all episodes of a
      dialect: copy one before you change it): what a chat model needs to write the next turn;
    - `step` (`tool_gym.trajectory.Step`): the turn as it was read, each call's `ToolResult`, the reward;
    - `score` (float): the score so far; `parts` (dict of floats): what it is made of.

    The `info` of a step is a dict that fills itself when it is first looked at (`tool_gym.envs.lazy`).

    Episodes are deterministic: the same scenario and the same turns give the same results everywhere.
    """

    metadata = {"render_modes": ["ansi", "html"], "render_fps": 4}  # noqa: RUF012 - gymnasium reads it of class and instance

    def __init__(  # noqa: PLR0913 - each is what an environment of another kind needs
        self,
        pack: str | os.PathLike[str] | Pack = "everyday",
        *,
        split: str | None = None,
        scenario: str | None = None,
        dialect: str | Dialect = "hermes",
        reward: str | Reward = "solve",
        max_turns: int = 32,
        max_calls_per_turn: int = 16,
        render_mode: str | None = None,
    ) -> None:
        """Create the environment; nothing is loaded but the pack's index.

        Args:
            pack: A bundled pack's name, a pack folder, or a `Pack`.
            split: Draw scenarios from this split only; None for all.
            scenario: Play this scenario only.
            dialect: Name of the format of actions and observations, or a `Dialect`.
            reward: Name of the reward, with parameters if need be (`"solve:beta=2"`), or a `Reward`.
            max_turns: Steps after which the episode is truncated; at least 2.
            max_calls_per_turn: Calls of one turn that are run; further ones cost like any junk call.
            render_mode: None, "ansi" (text for a terminal) or "html" (a page of its own).

        Raises:
            PackError: If the pack cannot be read.
            UnknownNameError: If there is no such pack, split, scenario, dialect, reward or render mode.
            ScenarioError: If a number is out of its range, the reward is for stored trajectories only, or dialect or
                reward is neither a name nor such an object.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            error = UnknownNameError.of("render mode", render_mode, self.metadata["render_modes"])
            raise error
        for name, value, least in (("max_turns", max_turns, 2), ("max_calls_per_turn", max_calls_per_turn, 1)):
            if type(value) is not int or value < least:
                msg = f"{name} must be a whole number of at least {least}, not {value!r}"
                raise ScenarioError(msg)
        self.pack = open_pack(pack)
        for name, given, method in (("dialect", dialect, "parse"), ("reward", reward, "start")):
            if not isinstance(given, str) and (isinstance(given, type) or not hasattr(given, method)):
                msg = f"{name} must be a name or an object with a method {method}, not {given!r:.80}"
                raise ScenarioError(msg)
        self.dialect = get_dialect(dialect) if isinstance(dialect, str) else dialect
        self.reward = online_reward(reward)
        self.render_mode = render_mode
        self.max_turns = max_turns
        self.max_calls_per_turn = max_calls_per_turn
        self._entries = _choose(self.pack, split, scenario)
        self.observation_space = UnicodeText(MAX_OBSERVATION_CHARS)
        text = self.dialect.name != "structured"
        self.action_space = UnicodeText(MAX_TURN_CHARS) if text else StructuredTurn()
        self._seed: int | None = None
        self._task: Task | None = None
        self._stage: Stage
        self._session: Session
        self._scorer: Scorer
        self._log: StepLog
        self._take: Callable[[Turn, tuple[ToolResult, ...], int, str], tuple[float, float, Any]]
        self._user_turn = 0
        self._asked = _NOTHING
        self.terminated = self.truncated = False
        self._over = True  # no episode has begun

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Seeds the choice of scenarios; None continues the sequence.
            options: `{"scenario": id}` plays that scenario of the pack; `{"split": name}` draws from that split.

        Returns:
            The first observation (tools and the user's request, as the dialect shows them) and info.
        """
        if seed is not None:
            super().reset(seed=seed)
            self._seed = seed
        self._begin(self.pack.task(self._drawn(options) if options else self._draw(self._entries)))
        stage = self._stage
        return stage.opening, {"scenario_id": stage.id, "messages": self.messages, "tools": list(stage.schemas)}

    def step(self, action: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Play one assistant turn.

        Returns:
            (observation, reward, terminated, truncated, info). Whatever the model wrote, nothing is raised.

        Raises:
            EpisodeError: If called before `reset` or after the episode's end.
        """
        observation, reward, terminated, truncated, played = self.play(action)
        info = StepInfo(BLANK)
        info.source = played
        return observation, reward, terminated, truncated, info

    def play(self, action: Any) -> tuple[str, float, bool, bool, Played]:
        """Play one assistant turn as `step` does, and leave its info to be made by `info_of` if anybody looks."""
        if self._over:
            msg = "call reset() before step(): " + ("the episode is over" if self._task else "no episode has begun")
            raise EpisodeError(msg)
        turn = self.dialect.parse(action)
        calls, user_turn, reply, log = turn.calls, self._user_turn, "", self._log
        results: tuple[ToolResult, ...] = ()
        if calls:
            results = self._run(calls)
        else:
            reply = self._act(parse_act(turn.text))
        delta, score, figures = self._take(turn, results, user_turn, reply)
        log.raw.append((turn, results, user_turn, reply, delta, figures))
        count, terminated = len(log.raw), self.terminated
        self.truncated = truncated = not terminated and count >= self.max_turns
        self._over = terminated or truncated
        observation = self.dialect.observe(calls, results, reply)
        return observation, delta, terminated, truncated, (self._stage, log, count, score)

    @property
    def task(self) -> Task:
        """The scenario and world being played.

        Raises:
            EpisodeError: If no episode has begun.
        """
        if self._task is None:
            raise EpisodeError(_NOT_BEGUN)
        return self._task

    @property
    def scenario(self) -> Scenario:
        """The scenario being played."""
        return self.task.scenario

    @property
    def messages(self) -> Conversation:
        """The conversation so far, as OpenAI-style chat messages."""
        return Conversation(self.task.scenario.user_turns[0], self._log, len(self._log), INSTRUCTIONS)

    @property
    def trajectory(self) -> Trajectory:
        """The record of the episode so far."""
        return Trajectory(
            self.scenario.id,
            tuple(self._log),
            terminated=self.terminated,
            truncated=self.truncated,
            pack=self.pack.name,
            reward=self.reward.name,
            seed=self._seed,
        )

    def snapshot(self) -> EnvSnapshot:
        """Return the episode's state, for `restore`; costs microseconds and copies no world."""
        return EnvSnapshot(
            self.task,
            self.reward,
            self._seed,
            self._session.snapshot(),
            self._scorer.snapshot(),
            tuple(self._log.raw),
            self._user_turn,
            self._asked,
            self.terminated,
            self.truncated,
        )

    def restore(self, snapshot: EnvSnapshot) -> None:
        """Return to a snapshot of this or another environment; caps and dialect stay this environment's.

        Raises:
            EpisodeError: If the snapshot was scored by another reward.
        """
        if snapshot.reward != self.reward:
            msg = f"the snapshot was scored by {snapshot.reward}, and this environment scores by {self.reward}"
            raise EpisodeError(msg)
        if self._task is not snapshot.task:
            self._begin(snapshot.task)
        self._seed = snapshot.seed
        self._session.restore(snapshot.session)
        self._scorer.restore(snapshot.scorer)
        self._log = StepLog(self._log.parts_of, snapshot.steps)
        self._user_turn, self._asked = snapshot.user_turn, snapshot.asked
        self.terminated, self.truncated = snapshot.terminated, snapshot.truncated
        self._over = self.terminated or self.truncated

    def state_digest(self) -> str:
        """Hash the world as this episode sees it; equal after equal episodes, on any machine.

        Raises:
            EpisodeError: If no episode has begun.
        """
        if self._task is None:
            raise EpisodeError(_NOT_BEGUN)
        return self._session.digest()

    def render(self) -> str | None:
        """Return the episode as text under `render_mode="ansi"`, as a page under "html", else None."""
        if self.render_mode == "html":
            from tool_gym.envs.render_html import render_html

            return render_html(self.task, self._log, self.reward.start(self.scenario).parts())
        return render_ansi(self.task, self._log) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Release the tools."""
        if self._task is not None:
            self._session.close()

    def _drawn(self, options: dict[str, Any]) -> str:
        """Return the scenario that the options of `reset` ask for."""
        if not isinstance(options, dict):
            msg = f"options must be a dict such as {{'scenario': id}}, not {type(options).__name__}"
            raise EpisodeError(msg)
        unknown = options.keys() - _OPTIONS
        if unknown:
            error = UnknownNameError.of("reset option", min(map(str, unknown)), _OPTIONS)
            raise error
        if options.get("scenario") is not None:
            return str(options["scenario"])
        return self._draw(_choose(self.pack, options["split"], None) if "split" in options else self._entries)

    def _draw(self, entries: tuple[Entry, ...]) -> str:
        return entries[0].id if len(entries) == 1 else entries[int(self.np_random.random() * len(entries))].id

    def _begin(self, task: Task) -> None:
        stage = task.scenario.derived.get(Stage)
        if stage is None or stage.dialect is not self.dialect:
            stage = task.scenario.derived[Stage] = set_up(task, self.dialect)
        self.close()
        self._stage = stage
        self._task = task
        self._session = stage.runtime.start()
        self._scorer = self.reward.start(task.scenario)
        taking = quick(self._scorer)
        self._take = taking.take
        self._log = StepLog(taking.parts_of)
        self._user_turn = 0
        self._asked = _NOTHING
        self.terminated = self.truncated = self._over = False

    def _run(self, calls: tuple[ToolCall | BrokenCall, ...]) -> tuple[ToolResult, ...]:
        first = calls[0]
        if len(calls) == 1 and type(first) is ToolCall:
            return (self._session.call(first.name, first.arguments),)
        call_tool, limit = self._session.call, self.max_calls_per_turn
        results = []
        for number, call in enumerate(calls):
            if number >= limit:
                results.append(_BUDGET)
            elif isinstance(call, ToolCall):
                results.append(call_tool(call.name, call.arguments))
            else:
                results.append(failed(Outcome.MALFORMED_CALL, call.message))
        return tuple(results)

    def _act(self, act: Act) -> str:
        """Take an act: answer a question, or end the user turn. Return what the user says next."""
        scenario = self.task.scenario
        if act.kind is ActKind.ASK:
            goal = Questions.of(scenario).judge(act.text, self._user_turn, self._asked).goal
            if goal is None:
                return IDLE_REPLY
            self._asked |= {goal.id}
            return goal.reply
        self._user_turn += 1
        if self._user_turn < len(scenario.user_turns):
            return scenario.user_turns[self._user_turn]
        self.terminated = True
        return ""


def _choose(pack: Pack, split: str | None, scenario: str | None) -> tuple[Entry, ...]:
    """Return the scenarios of a split, or the one named."""
    if not isinstance(split, str | None):
        error = UnknownNameError.of("split", split, {entry.split for entry in pack.entries()})
        raise error
    entries = tuple(pack.entries(None if scenario is not None else split))
    if scenario is not None:
        named = tuple(entry for entry in entries if entry.id == scenario)
        if not named:
            error = UnknownNameError.of("scenario", scenario, (entry.id for entry in entries))
            raise error
        return named
    if not entries:
        error = UnknownNameError.of("split", split, {entry.split for entry in pack.entries()})
        raise error
    return entries
