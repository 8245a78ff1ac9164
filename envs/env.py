"""ToolUseEnv: a scenario as a Gymnasium environment."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import gymnasium

from tool_gym.dialects import INSTRUCTIONS, MAX_TURN_CHARS, Dialect, get_dialect
from tool_gym.envs.pack import Entry, Pack, Task, open_pack
from tool_gym.envs.render import render_ansi
from tool_gym.errors import EpisodeError, ScenarioError, UnknownNameError
from tool_gym.messages import Conversation
from tool_gym.rewards import Reward, Scorer, get_reward
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import Scenario
from tool_gym.spaces import StructuredTurn, UnicodeText
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Act, ActKind, Outcome, ToolCall, ToolResult, Turn, failed

MAX_OBSERVATION_CHARS = 1_000_000
"""Longest observation, in characters."""

IDLE_REPLY = "I have nothing to add to that. Please go on with what you have."
"""What the scripted user says to a question the scenario does not expect."""

_NOT_BEGUN = "no episode has begun; call reset()"
_BUDGET = failed(Outcome.CALL_BUDGET, "too many calls in one turn; this one was not run")


class EnvSnapshot(NamedTuple):
    """The state of an episode; independent of how the episode goes on."""

    task: Task
    reward: Reward
    seed: int | None
    session: object
    scorer: object
    steps: tuple[Step, ...]
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
      lazy sequence: `list()` it for JSON), `tools` (list of
      OpenAI-style tool schemas, shared by all episodes: copy one before you change it): what a chat model needs
      to write the next turn;
    - `step` (`tool_gym.trajectory.Step`): the turn as it was read, each call's `ToolResult`, the reward;
    - `score` (float): the score so far; `parts` (dict of floats): what it is made of.

    Episodes are deterministic: the same scenario and the same turns give the same results everywhere.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - gymnasium reads it of class and instance

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
            reward: Name of the reward, or a `Reward`.
            max_turns: Steps after which the episode is truncated; at least 2.
            max_calls_per_turn: Calls of one turn that are run; further ones cost like any junk call.
            render_mode: None or "ansi".

        Raises:
            PackError: If the pack cannot be read.
            UnknownNameError: If there is no such pack, split, scenario, dialect, reward or render mode.
            ScenarioError: If a number is out of its range.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            error = UnknownNameError.of("render mode", render_mode, self.metadata["render_modes"])
            raise error
        for name, value, least in (("max_turns", max_turns, 2), ("max_calls_per_turn", max_calls_per_turn, 1)):
            if type(value) is not int or value < least:
                msg = f"{name} must be a whole number of at least {least}, not {value!r}"
                raise ScenarioError(msg)
        self.pack = open_pack(pack)
        self.dialect = get_dialect(dialect) if isinstance(dialect, str) else dialect
        self.reward = get_reward(reward)
        self.render_mode = render_mode
        self.max_turns = max_turns
        self.max_calls_per_turn = max_calls_per_turn
        self._entries = _choose(self.pack, split, scenario)
        self.observation_space = UnicodeText(MAX_OBSERVATION_CHARS)
        text = self.dialect.name != "structured"
        self.action_space = UnicodeText(MAX_TURN_CHARS) if text else StructuredTurn()
        self._seed: int | None = None
        self._task: Task | None = None
        self._runtime: InProcessRuntime
        self._session: Session
        self._scorer: Scorer
        self._schemas: list[dict[str, Any]] = []
        self._opening = ""
        self._steps: list[Step] = []
        self._user_turn = 0
        self._asked: frozenset[str] = frozenset()
        self.terminated = self.truncated = self._over = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Seeds the choice of scenarios; None continues the sequence.
            options: `{"scenario": id}` plays that scenario of the pack; `{"split": name}` draws from that split.

        Returns:
            The first observation (tools and the user's request, as the dialect shows them) and info.
        """
        super().reset(seed=seed)
        self._seed = seed if seed is not None else self._seed
        task = self.pack.task(self._drawn(options) if options else self._draw(self._entries))
        self._begin(task)
        return self._opening, {
            "scenario_id": task.scenario.id,
            "messages": self.messages,
            "tools": list(self._schemas),
        }

    def step(self, action: Any) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Play one assistant turn.

        Returns:
            (observation, reward, terminated, truncated, info). Whatever the model wrote, nothing is raised.

        Raises:
            EpisodeError: If called before `reset` or after the episode's end.
        """
        if self._task is None or self._over:
            msg = "call reset() before step(): " + ("the episode is over" if self._task else "no episode has begun")
            raise EpisodeError(msg)
        turn = self.dialect.parse(action)
        user_turn, reply = self._user_turn, ""
        results: tuple[ToolResult, ...] = ()
        if turn.calls:
            results = self._run(turn)
        else:
            act = turn.act
            if act is not None:
                reply = self._act(act)
        delta, score, parts = self._scorer.step(Step(turn, results, user_turn, reply))
        step = Step(turn, results, user_turn, reply, delta, parts)
        self._steps.append(step)
        self.truncated = not self.terminated and len(self._steps) >= self.max_turns
        self._over = self.terminated or self.truncated
        info = {
            "scenario_id": self._task.scenario.id,
            "messages": self.messages,
            "tools": list(self._schemas),
            "step": step,
            "score": score,
            "parts": parts,
        }
        return self.dialect.observe(turn.calls, results, reply), delta, self.terminated, self.truncated, info

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
        return Conversation(self.task.scenario.user_turns[0], self._steps, len(self._steps), INSTRUCTIONS)

    @property
    def trajectory(self) -> Trajectory:
        """The record of the episode so far."""
        return Trajectory(
            self.scenario.id,
            tuple(self._steps),
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
            tuple(self._steps),
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
        self._steps = list(snapshot.steps)
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
        """Return the episode as text under `render_mode="ansi"`, else None."""
        return render_ansi(self.task, self._steps) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Release the tools."""
        if self._task is not None:
            self._session.close()

    def _drawn(self, options: dict[str, Any]) -> str:
        """Return the scenario that the options of `reset` ask for."""
        if not isinstance(options, dict):
            msg = f"options must be a dict such as {{'scenario': id}}, not {type(options).__name__}"
            raise EpisodeError(msg)
        unknown = options.keys() - {"scenario", "split"}
        if unknown:
            error = UnknownNameError.of("reset option", min(unknown), ("scenario", "split"))
            raise error
        if options.get("scenario") is not None:
            return str(options["scenario"])
        return self._draw(_choose(self.pack, options["split"], None) if "split" in options else self._entries)

    def _draw(self, entries: tuple[Entry, ...]) -> str:
        return entries[0].id if len(entries) == 1 else entries[int(self.np_random.integers(len(entries)))].id

    def _begin(self, task: Task) -> None:
        scenario = task.scenario
        if scenario is not (self._task.scenario if self._task else None):
            runtime = scenario.derived.get(InProcessRuntime)
            if runtime is None:
                runtime = InProcessRuntime(scenario.tools, task.world, scenario.faults)
                scenario.derived[InProcessRuntime] = runtime
            schemas = [tool.schema for tool in scenario.tools]
            opening = self.dialect.opening(scenario.user_turns[0], schemas)
            self._runtime, self._schemas, self._opening = runtime, schemas, opening
        self.close()
        self._task = task
        self._session = self._runtime.start()
        self._scorer = self.reward.start(scenario)
        self._steps = []
        self._user_turn = 0
        self._asked = frozenset()
        self.terminated = self.truncated = self._over = False

    def _run(self, turn: Turn) -> tuple[ToolResult, ...]:
        call_tool, limit = self._session.call, self.max_calls_per_turn
        results = []
        for number, call in enumerate(turn.calls):
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
            for goal in scenario.goals_of(self._user_turn):
                if goal.kind == "ask" and goal.id not in self._asked and goal.is_asked_by(act.text):
                    self._asked |= {goal.id}
                    return goal.reply
            return IDLE_REPLY
        self._user_turn += 1
        if self._user_turn < len(scenario.user_turns):
            return scenario.user_turns[self._user_turn]
        self.terminated = True
        return ""


def _choose(pack: Pack, split: str | None, scenario: str | None) -> tuple[Entry, ...]:
    """Return the scenarios of a split, or the one named."""
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
