"""`tool-gym rollout`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.options import AsJson, Seed

if TYPE_CHECKING:
    from tool_gym.agents.policies.opening import ModelSettings
    from tool_gym.envs.env import ToolUseEnv
    from tool_gym.errors import ToolGymError
    from tool_gym.evaluate import Summary
    from tool_gym.scenario import Scenario
    from tool_gym.trajectory import Trajectory

ALL = ("oracle", "greedy", "random", "repeat", "silent")
"""The policies of `--policy all`, in the order of the table."""

EXAMPLES = (
    "tool-gym rollout --policy all --split test --episodes 20",
    "tool-gym rollout --policy oracle,greedy --suite my_pack --out played.jsonl",
    "tool-gym rollout --policy openai:http://localhost:8000/v1#my-model --dialect openai --episodes 50",
    "tool-gym rollout --policy hf:runs/demo/model --max-tokens 256",
)


def rollout(  # noqa: PLR0913 - a command has the options it has
    *,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="A scripted policy, or all of them; hf:FOLDER_OR_ID for a local model; openai:BASE_URL#MODEL for an "
            "endpoint. May be repeated or separated by commas.",
            show_default="all",
        ),
    ] = None,
    suite: Annotated[str, typer.Option(help="A pack's name or folder.")] = "everyday",
    split: Annotated[str, typer.Option(help="Split of the pack, or all.")] = "test",
    episodes: Annotated[int | None, typer.Option(min=1, help="At most so many, spread evenly over the split.")] = None,
    seed: Seed = 0,
    dialect: Annotated[
        str, typer.Option(help="Format of turns and observations; openai uses an endpoint's own tool calls.")
    ] = "hermes",
    reward: Annotated[str, typer.Option(help="What the return is; the other columns are solve's.")] = "solve",
    max_turns: Annotated[int, typer.Option(min=2, help="Turns after which an episode is cut off.")] = 32,
    max_tokens: Annotated[int, typer.Option(min=1, help="Models: longest turn, in tokens.")] = 1024,
    temperature: Annotated[float, typer.Option(min=0, help="Models: temperature; 0 takes the likeliest.")] = 0.0,
    turn_seconds: Annotated[float, typer.Option(min=0.001, help="Models: longest that a turn may take.")] = 300.0,
    concurrency: Annotated[int, typer.Option(min=1, help="Models: most episodes side by side.")] = 8,
    out: Annotated[Path | None, typer.Option(help="Write the trajectories to this file, as JSONL.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play every episode once with each policy and show what they score."""
    from tool_gym.agents.policies.opening import ModelSettings
    from tool_gym.cli.find import check_new_file, entries_of
    from tool_gym.cli.output import tell
    from tool_gym.envs.env import ToolUseEnv
    from tool_gym.envs.rollout import spread

    env = ToolUseEnv(suite, dialect=dialect, reward=reward, max_turns=max_turns)
    chosen = tuple(entry.id for entry in spread(entries_of(env.pack, split), episodes))
    target = check_new_file(out) if out is not None else None
    models = ModelSettings(max_tokens, temperature, turn_seconds, concurrency, seed)
    job = _Job(_policies(policy or ["all"]), chosen, seed, target, models)
    began = time.perf_counter()
    played = job.play(env)
    elapsed = time.perf_counter() - began
    settings: dict[str, object] = {"suite": env.pack.name, "split": split, "episodes": len(chosen), "seed": seed}
    settings |= {"dialect": env.dialect.name, "reward": env.reward.name, "max_turns": max_turns}
    if job.has_models:
        settings |= {"max_tokens": max_tokens, "temperature": temperature}
    _print(settings, job.summaries(env, played), as_json=as_json)
    steps = sum(len(trajectory.steps) for of_policy in played.values() for trajectory in of_policy)
    tell(f"{steps} steps in {elapsed:.1f} s ({steps / max(elapsed, 1e-9):,.0f} steps/s)")
    if job.left_out:
        tell(f"{len(job.left_out)} episodes were left out: their policy follows a plan, and their scenario has none")
    if out is not None:
        tell(f"trajectories are in {out}")


def _policies(given: list[str]) -> tuple[str, ...]:
    from tool_gym.agents.policies.opening import is_model
    from tool_gym.cli.find import names_of
    from tool_gym.envs.policies import POLICIES
    from tool_gym.errors import UnknownNameError

    names = names_of(given)
    for name in names:
        if name not in POLICIES and name != "all" and not is_model(name):
            error = UnknownNameError.of("policy", name, (*POLICIES, "all"))
            raise error
    return tuple(dict.fromkeys(one for name in names for one in (ALL if name == "all" else (name,))))


@dataclass(frozen=True)
class _Job:
    """Which policies play which scenarios; everything named is known to exist."""

    policies: tuple[str, ...]
    scenarios: tuple[str, ...]
    seed: int
    out: Path | None
    models: ModelSettings
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Policies that need an oracle, with scenarios that have none."""

    @property
    def has_models(self) -> bool:
        """Whether a model is among the policies."""
        return len(self._scripted()) < len(self.policies)

    def play(self, env: ToolUseEnv) -> dict[str, list[Trajectory]]:
        """Play everything, and write it down as it is played; also as much as was played of what fails."""
        from tool_gym.progress import progress
        from tool_gym.trajectory import write_trajectories

        played: dict[str, list[Trajectory]] = {name: [] for name in self.policies}
        problems: list[ToolGymError] = []

        def remembered() -> Iterator[Trajectory]:
            with progress("playing", len(self.policies) * len(self.scenarios)) as done:
                for number, trajectory in enumerate(self._whole(env, problems), 1):
                    played[trajectory.policy].append(trajectory)
                    done(number)
                    yield trajectory

        count = write_trajectories(self.out, remembered()) if self.out is not None else sum(1 for _ in remembered())
        for problem in problems:
            if self.out is not None:
                problem.args = (f"{problem}; the {count} episodes played before it are in {self.out}",)
            raise problem
        return played

    def _whole(self, env: ToolUseEnv, problems: list[ToolGymError]) -> Iterator[Trajectory]:
        """Yield the episodes up to one that a model fails to play; what failed is then in `problems`."""
        from tool_gym.errors import AgentError, BudgetError, EndpointError

        try:
            yield from self._episodes(env)
            yield from self._by_models(env)
        except (AgentError, BudgetError, EndpointError) as error:
            problems.append(error)

    def _scripted(self) -> list[str]:
        from tool_gym.envs.policies import POLICIES

        return [name for name in self.policies if name in POLICIES]

    def _episodes(self, env: ToolUseEnv) -> Iterator[Trajectory]:
        from tool_gym.envs.policies import get_policy
        from tool_gym.envs.rollout import episode_seed
        from tool_gym.envs.rollout import rollout as play
        from tool_gym.errors import NoOracleError

        policies = [get_policy(name) for name in self._scripted()]
        for scenario in self.scenarios if policies else ():
            for policy in policies:
                seed = episode_seed(self.seed, scenario)
                try:
                    yield play(env, policy, seed=seed, options={"scenario": scenario})
                except NoOracleError:
                    self.left_out.append((policy.name, scenario))

    def _by_models(self, env: ToolUseEnv) -> Iterator[Trajectory]:
        from gymnasium.vector import AutoresetMode

        from tool_gym.agents.policies.opening import open_policy
        from tool_gym.cli.output import tell
        from tool_gym.envs.rollout import rollout_many
        from tool_gym.envs.vector import ToolUseVectorEnv

        scripted = set(self._scripted())
        for name in self.policies:
            if name in scripted:
                continue
            with open_policy(name, env.dialect, self.models) as policy:
                rows = ToolUseVectorEnv(
                    min(self.models.concurrency, len(self.scenarios)),
                    env.pack,
                    dialect=env.dialect,
                    reward=env.reward,
                    max_turns=env.max_turns,
                    autoreset_mode=AutoresetMode.DISABLED,
                )
                yield from rollout_many(rows, policy, self.scenarios, seed=self.seed)
                tell(f"{name}: {', '.join(f'{count} {what}' for what, count in policy.counts.items() if count)}")

    def summaries(self, env: ToolUseEnv, played: dict[str, list[Trajectory]]) -> list[Summary]:
        """Return the figures of each policy: solve's, but for the mean return."""
        from tool_gym.summary import summary_of

        def scenario_of(name: str) -> Scenario:
            return env.pack.task(name).scenario

        return [summary_of(name, of_policy, scenario_of) for name, of_policy in played.items() if of_policy]


def _print(settings: dict[str, object], summaries: list[Summary], *, as_json: bool) -> None:
    from tool_gym.cli.output import print_all, print_json, table, text

    if as_json:
        print_json(settings | {"policies": [summary._asdict() for summary in summaries]})
        return
    title = ", ".join(f"{name} {value}" for name, value in settings.items())
    earned = f"return ({settings['reward']})"
    columns = ("policy", "episodes", "Solve-P", "Solve-R", "Solve-F1", "answer accuracy", earned, "calls")
    print_all(text(title, "bold"), table(columns, summaries, numbers=len(columns) - 1))
