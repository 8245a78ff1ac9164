"""A pack as TRL's `environment_factory`, for training scripts built on TRL's own `GRPOTrainer` and its tool loop.

TRL makes one object for each rollout and takes every public method of its class for a tool, so there is a class for
each distinct tool set, and the dataset's column `environment` says which class a row needs. What a tool does and what
a rollout earns come from a `ToolUseEnv`: while a rollout runs, it answers the calls one by one as TRL makes them; when
the rollout is over, it plays the turns again as the model wrote them, and the sum of its rewards is what the rollout
earned. Worlds are deterministic, so it sees the results the model saw.

TRL's loop has no user and no end but a turn without calls, so scenarios with several user turns or with a question to
be asked are left out. A call of a tool that does not exist, or whose arguments are no object, is answered by TRL
itself, in its own words; it costs what it costs in the environment. Calls that TRL never ran cost nothing: those of a
turn cut off by a cap on iterations or on tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

from tool_gym.agents.interop.replay import replay, turns_of_chat, uncapped
from tool_gym.agents.interop.rows import Row, prompt_row
from tool_gym.dialects import Dialect, get_dialect
from tool_gym.envs.pack import Pack, open_pack
from tool_gym.errors import AgentError
from tool_gym.rewards import Reward, online_reward
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Trajectory
from tool_gym.turns import ToolCall, Turn

if TYPE_CHECKING:
    import os

    from datasets import Dataset

RewardFunc: TypeAlias = Callable[..., list[float]]
"""A reward function as TRL calls it: keywords in, one number for each rollout out."""

_RESERVED = frozenset({"reset", "get_reward"})


class TRLEnvironments(NamedTuple):
    """What a script with TRL's `GRPOTrainer` needs of a pack."""

    rows: list[Row]
    """One for each scenario: `prompt`, `environment`, `scenario_id`, `pack`, `shape`."""
    environment_factory: dict[str, type[Any]]
    """Name of a tool set → the class of its environments."""
    reward_funcs: list[RewardFunc]
    """One function: the return of each rollout; it logs the parts of the score too."""
    schemas: dict[str, list[dict[str, Any]]]
    """Name of a tool set → its tools in OpenAI's form."""
    left_out: dict[str, int]
    """Why scenarios cannot be played in TRL's loop → how many."""

    def dataset(self) -> Dataset:
        """Return the rows as a `datasets.Dataset`."""
        from datasets import Dataset

        return Dataset.from_list(self.rows)

    def install(self, trainer: Any) -> Any:
        """Have a trainer show the tools as they are in the pack, and return it.

        Without this TRL would make schemas from the docstrings of methods, which cannot say all that a schema says.
        Call it on a new `GRPOTrainer`, before `train`.

        Raises:
            AgentError: If the trainer was made with other environments, or TRL keeps their tools elsewhere.
        """
        shown = getattr(trainer, "_env_tools", None)
        if not isinstance(shown, dict) or shown.keys() != self.schemas.keys():
            msg = (
                "install needs a GRPOTrainer of TRL 1.16 made with environment_factory=….environment_factory of the "
                f"same object, not {type(trainer).__name__} with {'others' if shown else 'none'}"
            )
            raise AgentError(msg)
        trainer._env_tools = dict(self.schemas)  # noqa: SLF001 - TRL has no public way; pinned and tested
        return trainer


def trl_environments(
    pack: str | os.PathLike[str] | Pack = "everyday",
    *,
    split: str | None = "train",
    scenarios: Iterable[str] | None = None,
    reward: str | Reward = "solve",
    dialect: str | Dialect = "hermes",
) -> TRLEnvironments:
    """Return a pack's scenarios as environments for TRL.

    Building a trainer compares every tool with every other: 1,000 scenarios with tools of their own take seconds,
    10,000 take minutes. Name the scenarios to train on if there are more.

    Args:
        pack: A bundled pack's name, a pack folder, or a `Pack`.
        split: Take the scenarios of this split; None for all.
        scenarios: Take these instead, by id.
        reward: What a rollout earns: the name of an online reward, or a `Reward`.
        dialect: How the last turn of a rollout, which has no calls that TRL could read, is read.

    Raises:
        AgentError: If no scenario can be played.
        UnknownNameError: If there is no such pack, split, scenario, reward or dialect.
    """
    opened = open_pack(pack)
    read = get_dialect(dialect) if isinstance(dialect, str) else dialect
    paid = online_reward(reward)
    names = [entry.id for entry in opened.entries(split)] if scenarios is None else list(scenarios)
    left_out: Counter[str] = Counter()
    rows, classes, shown = [], {}, {}
    for name in names:
        scenario = opened.task(name).scenario
        why = why_not(scenario)
        if why:
            left_out[why] += 1
            continue
        row = prompt_row(scenario, opened.name)
        shown[row["environment"]] = row.pop("tools")
        rows.append(row)
        if row["environment"] not in classes:
            classes[row["environment"]] = _class_of(scenario, opened, paid, read)
    if not rows:
        msg = f"no scenario of {opened.name} can be played in TRL's loop: {dict(left_out) or 'none was named'}"
        raise AgentError(msg)
    return TRLEnvironments(rows, classes, [tool_gym_return], shown, dict(left_out))


def why_not(scenario: Scenario) -> str:
    """Return why a scenario cannot be played in TRL's loop; empty if it can."""
    if len(scenario.user_turns) > 1:
        return "the user speaks more than once"
    if any(goal.kind == "ask" for goal in scenario.goals):
        return "the user has to be asked"
    if any(tool.name in _RESERVED or tool.name.startswith("_") for tool in scenario.tools):
        return "a tool has a name that TRL hides"
    return ""


def tool_gym_return(
    *,
    completions: Sequence[Sequence[Mapping[str, Any]]],
    environments: Sequence[Any],
    log_metric: Callable[[str, float], None] | None = None,
    **_: Any,
) -> list[float]:
    """Return what each rollout earned, as TRL's reward functions do; log the mean of each part of the score.

    Args:
        completions: The messages of each rollout.
        environments: The object of each rollout.
        log_metric: TRL's own.
    """
    played = [
        trajectory_of(environment, completion)
        for environment, completion in zip(environments, completions, strict=True)
    ]
    parts: dict[str, list[float]] = {}
    for trajectory in played:
        for name, value in ((trajectory.steps[-1].parts if trajectory.steps else None) or {}).items():
            parts.setdefault(name, []).append(value)
    for name, values in parts.items():
        if log_metric is not None:
            log_metric(name, sum(values) / len(values))
    return [trajectory.episode_return for trajectory in played]


def trajectory_of(environment: Any, completion: Sequence[Mapping[str, Any]]) -> Trajectory:
    """Return the record of a rollout, with the reward of every turn: what reward functions of your own can start from.

    Args:
        environment: The object of the rollout, one of `environments` as TRL hands them to reward functions.
        completion: The rollout's messages, the element of `completions` at the same place.

    Raises:
        AgentError: If the object is none of ours, or has not been reset.
    """
    if not isinstance(environment, _Rollout):
        msg = f"a rollout of trl_environments is needed, not {type(environment).__name__}"
        raise AgentError(msg)
    return environment._played(turns_of_chat(completion, environment._dialect))  # noqa: SLF001 - TRL takes public methods for tools


class _Rollout:
    """What TRL holds for a rollout: `reset`, and the tools that `_class_of` adds."""

    _pack: ClassVar[Pack]
    _reward: ClassVar[Reward]
    _dialect: ClassVar[Dialect]

    def __init__(self) -> None:
        self._env = uncapped(self._pack, self._reward)
        self._scenario = ""

    def reset(self, *, scenario_id: str = "", **_: Any) -> None:
        """Start the rollout of a row; the request stands in its prompt already."""
        if not scenario_id:
            msg = "the dataset needs the column scenario_id: use the rows of trl_environments, or add to them"
            raise AgentError(msg)
        self._scenario = scenario_id
        self._env.reset(seed=0, options={"scenario": scenario_id})

    def _call(self, name: str, arguments: dict[str, Any]) -> str:
        _, _, _, _, info = self._env.step(Turn("", (ToolCall(name, arguments),)))
        text: str = info["step"].results[0].text
        return text

    def _played(self, turns: Sequence[Turn]) -> Trajectory:
        if not self._scenario:
            msg = "the rollout has not begun: TRL calls reset before it"
            raise AgentError(msg)
        return replay(self._env, self._scenario, turns)


def _class_of(scenario: Scenario, pack: Pack, reward: Reward, dialect: Dialect) -> type[_Rollout]:
    tools = {tool.name: _method(tool.name) for tool in scenario.tools}
    return type("ToolGymEnvironment", (_Rollout,), {"_pack": pack, "_reward": reward, "_dialect": dialect, **tools})


def _method(name: str) -> Callable[..., str]:
    def call(self: _Rollout, /, **arguments: Any) -> str:
        return self._call(name, arguments)

    call.__name__ = call.__qualname__ = name  # TRL finds tools by it
    return call
