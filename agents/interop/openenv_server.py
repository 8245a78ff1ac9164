"""A pack as an OpenEnv environment: models, environment, server app, client (`openenv` 0.10).

    uvicorn --factory tool_gym.agents.interop.openenv_server:app      # serves the pack everyday

A step is one assistant turn: the text a model wrote, in the server's dialect, or text and calls as a chat API gives
them. Episodes, results and rewards are those of a `ToolUseEnv`; sessions share the pack and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from openenv.core.client_types import StepResult
from openenv.core.env_client import EnvClient
from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, EnvironmentMetadata, Observation, State
from pydantic import Field

from tool_gym.dialects import Dialect, get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Entry, Pack, open_pack
from tool_gym.errors import EpisodeError
from tool_gym.messages import tool_messages, user_message
from tool_gym.rewards import Reward, online_reward
from tool_gym.version import __version__

NAME = "tool_gym"
"""What the environment is called in the routes of OpenEnv's task API."""

_NOT_BEGUN = "no episode has begun: reset first"


class ToolGymAction(Action):
    """One assistant turn."""

    text: str = ""
    """What the model wrote; without `tool_calls` it is read in the server's dialect."""
    tool_calls: list[dict[str, Any]] = Field(default_factory=list)
    """Calls in OpenAI's form, `{"id", "type", "function": {"name", "arguments"}}`."""


class ToolGymObservation(Observation):
    """What came of a turn, or how an episode begins."""

    text: str = ""
    """What a text model is shown, in the server's dialect."""
    messages: list[dict[str, Any]] = Field(default_factory=list)
    """The same as chat messages: at reset the opening, after a turn the results and what the user says."""
    tools: list[dict[str, Any]] = Field(default_factory=list)
    """The tools in OpenAI's form; at reset only."""
    truncated: bool = False
    """Whether a cap has cut the episode; `done` is true then too."""


class ToolGymState(State):
    """Where an episode stands; no golds."""

    scenario_id: str = ""
    pack: str = ""
    score: float = 0.0
    """Sum of the rewards so far."""
    parts: dict[str, float] = Field(default_factory=dict)
    """What the score is made of, as the reward names it."""


class ToolGymEnvironment(Environment[ToolGymAction, ToolGymObservation, ToolGymState]):
    """One session's environment."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(
        self,
        pack: str | os.PathLike[str] | Pack = "everyday",
        *,
        split: str | None = None,
        dialect: str | Dialect = "hermes",
        reward: str | Reward = "solve",
        max_turns: int = 32,
    ) -> None:
        """Make the environment; the arguments are those of `ToolUseEnv`."""
        super().__init__()
        self._env = ToolUseEnv(pack, split=split, dialect="structured", reward=reward, max_turns=max_turns)
        self._dialect = get_dialect(dialect) if isinstance(dialect, str) else dialect
        self._chat = get_dialect("openai")
        self._state: ToolGymState | None = None

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        *,
        scenario: str | None = None,
        split: str | None = None,
        index: int | None = None,
        **_: Any,
    ) -> ToolGymObservation:
        """Start an episode.

        Args:
            seed: Seeds the choice of scenarios; None continues the sequence.
            episode_id: The caller's name of the episode.
            scenario: Play this one.
            split: Draw from this split; with `index`, the task API's way to name a scenario.
            index: Its place in the split, from 0.
        """
        if index is not None:
            scenario = self._entry(split, index).id
        asked = {"scenario": scenario} if scenario is not None else {"split": split} if split is not None else None
        info = self._env.reset(seed=seed, options=asked)[1]
        shown = info["tools"]
        self._state = ToolGymState(episode_id=episode_id, scenario_id=info["scenario_id"], pack=self._env.pack.name)
        return ToolGymObservation(
            text=self._dialect.opening(self._env.scenario.user_turns[0], shown),
            messages=list(info["messages"]),
            tools=shown,
        )

    def step(self, action: ToolGymAction, timeout_s: float | None = None, **_: Any) -> ToolGymObservation:
        """Play one assistant turn; whatever the model wrote, nothing is raised."""
        del timeout_s
        if self._state is None:
            raise EpisodeError(_NOT_BEGUN)
        if action.tool_calls:
            turn = self._chat.parse({"role": "assistant", "content": action.text, "tool_calls": action.tool_calls})
        else:
            turn = self._dialect.parse(action.text)
        reward, terminated, truncated, info = self._env.step(turn)[1:]
        step = info["step"]
        self._state = self._state.model_copy(
            update={"step_count": self._state.step_count + 1, "score": info["score"], "parts": info["parts"]}
        )
        said = [user_message(step.reply)] if step.reply else []
        return ToolGymObservation(
            text=self._dialect.observe(step.turn.calls, step.results, step.reply),
            messages=[*tool_messages(step.turn, step.results, self._state.step_count - 1), *said],
            reward=reward,
            done=terminated or truncated,
            truncated=truncated,
        )

    @property
    def state(self) -> ToolGymState:
        """Where the episode stands."""
        return self._state or ToolGymState()

    def get_metadata(self) -> EnvironmentMetadata:
        """Return what the environment is."""
        about = f"Tool use over the pack {self._env.pack.name}, paid by {self._env.reward.name}"
        return EnvironmentMetadata(name=NAME, description=about, version=__version__)

    def list_splits(self) -> list[str]:
        """Return the splits of the pack."""
        return sorted({entry.split for entry in self._env.pack.entries()})

    def num_tasks(self, split: str) -> int:
        """Return how many scenarios a split has."""
        return len(self._env.pack.entries(split))

    def list_tasks(self, split: str) -> list[dict[str, Any]]:
        """Return the scenarios of a split."""
        return self.get_task_range(split)

    def get_task(self, split: str, index: int) -> dict[str, Any]:
        """Return one scenario; raises `IndexError` beyond the split's end."""
        return _described(index, self._entry(split, index))

    def get_task_range(self, split: str, start: int | None = None, stop: int | None = None) -> list[dict[str, Any]]:
        """Return the scenarios of a split in [start, stop)."""
        entries: Sequence[Entry] = self._env.pack.entries(split)
        return [_described(number, entries[number]) for number in range(len(entries))[start:stop]]

    def _entry(self, split: str | None, index: int) -> Entry:
        entries = self._env.pack.entries(split)
        if not 0 <= index < len(entries):
            msg = f"the split {split} has scenarios 0 to {len(entries) - 1}, no {index}"
            raise IndexError(msg)
        return entries[index]


class ToolGymClient(EnvClient[ToolGymAction, ToolGymObservation, ToolGymState]):
    """A client of the server: `with ToolGymClient(base_url=…).sync() as env: env.reset(scenario=…)`."""

    def _step_payload(self, action: ToolGymAction) -> dict[str, Any]:
        payload: dict[str, Any] = action.model_dump()
        return payload

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[ToolGymObservation]:
        reward, done = payload.get("reward"), bool(payload.get("done"))
        observation = ToolGymObservation(**payload["observation"], reward=reward, done=done)
        return StepResult(observation=observation, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> ToolGymState:
        return ToolGymState(**payload)


def app(
    pack: str | os.PathLike[str] | Pack = "everyday",
    *,
    split: str | None = None,
    dialect: str = "hermes",
    reward: str = "solve",
    sessions: int = 64,
) -> Any:
    """Return the server, a FastAPI app with OpenEnv's HTTP and WebSocket routes.

    Args:
        pack: A bundled pack's name, a pack folder, or a `Pack`.
        split: Draw scenarios from this split; None for all.
        dialect: How text is read and shown.
        reward: Name of an online reward.
        sessions: Most episodes at a time.
    """
    opened, paid, read = open_pack(pack), online_reward(reward), get_dialect(dialect)

    def make() -> ToolGymEnvironment:
        return ToolGymEnvironment(opened, split=split, dialect=read, reward=paid)

    return create_app(
        make,
        ToolGymAction,
        ToolGymObservation,
        env_name=NAME,
        max_concurrent_envs=sessions,
        state_cls=ToolGymState,
    )


def _described(index: int, entry: Entry) -> dict[str, Any]:
    return {"index": index, "id": entry.id, "split": entry.split, "shape": entry.shape, "domain": entry.domain}
