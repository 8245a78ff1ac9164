"""Rows to learn from: demonstrations of the oracle, the policy's own successes, pairs of success and failure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tool_gym.agents.training.sections import EnvSection
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack
from tool_gym.envs.policies.reference import OraclePolicy
from tool_gym.envs.rollout import episode_seed, rollout
from tool_gym.errors import AgentError, NoOracleError
from tool_gym.files import write_whole
from tool_gym.progress import progress

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.rollouts import Rollout

IGNORED = -100
"""Label of a token that carries no loss, as torch has it."""


class Row(NamedTuple):
    """An episode as tokens."""

    prompt_ids: list[int]
    completion_ids: list[int]
    mask: list[int]
    """For each token of the completion, 1 if the model wrote it."""

    @property
    def ids(self) -> list[int]:
        """All tokens."""
        return [*self.prompt_ids, *self.completion_ids]

    @property
    def labels(self) -> list[int]:
        """What is to be predicted: the model's own tokens, and `IGNORED` for all others."""
        own = (token if is_own else IGNORED for token, is_own in zip(self.completion_ids, self.mask, strict=True))
        return [IGNORED] * len(self.prompt_ids) + list(own)


class Pair(NamedTuple):
    """Two episodes of one scenario, behind one prompt."""

    chosen: Row
    rejected: Row


def row_of(rollout: Rollout) -> Row:
    """Return an episode that was played as it was written, token for token."""
    return Row(list(rollout.prompt_ids), list(rollout.completion_ids), list(rollout.mask))


def demonstrations(pack: Pack, scenarios: Sequence[str], encoder: Encoder, env: EnvSection, seed: int) -> list[Row]:
    """Return what the oracle does in scenarios; those without a plan are left out.

    Raises:
        AgentError: If none has one.
    """
    playing = ToolUseEnv(pack, dialect=encoder.dialect, max_turns=max(env.limits.max_turns, 32))
    found = []
    with progress("demonstrating", len(scenarios)) as done:
        for number, scenario in enumerate(scenarios, 1):
            _, info = playing.reset(seed=0, options={"scenario": scenario})
            opening, tools = list(info["messages"]), info["tools"]
            try:
                played = rollout(
                    playing, OraclePolicy(), seed=episode_seed(seed, scenario), options={"scenario": scenario}
                )
            except NoOracleError:
                continue
            encoded = encoder.encode(opening, tools, played.steps)
            found.append(Row(list(encoded.prompt_ids), list(encoded.completion_ids), list(encoded.mask)))
            done(number)
    if not found:
        msg = f"no training scenario of the pack {pack.name} carries a plan, so there is nothing to demonstrate"
        raise AgentError(msg)
    return found


def successes(groups: Iterable[Sequence[Rollout]], *, threshold: float, keep: int) -> list[Row]:
    """Return the episodes worth learning from: the best of each scenario, and of equals the shortest.

    Args:
        groups: The episodes of each scenario.
        threshold: Least return; rounding errors are forgiven.
        keep: Most episodes of a scenario; equal ones count once.
    """
    found = []
    for group in groups:
        good = [one for one in group if _return(one) >= threshold - 1e-9 and not one.overlong and any(one.mask)]
        ranked = sorted(good, key=lambda one: (-_return(one), len(one.completion_ids)))
        distinct = {tuple(one.completion_ids): one for one in reversed(ranked)}
        chosen = [one for one in ranked if distinct[tuple(one.completion_ids)] is one]
        found += [row_of(one) for one in chosen[:keep]]
    return found


def preferences(groups: Iterable[Sequence[Rollout]], *, chosen: float, margin: float, pairs: int) -> list[Pair]:
    """Return pairs of a better and a worse episode of one scenario: the best with the worst first.

    Args:
        groups: The episodes of each scenario.
        chosen: Least return of the better one.
        margin: Least difference of return.
        pairs: Most pairs of a scenario; no episode is in two.
    """
    found = []
    for group in groups:
        usable = [one for one in group if any(one.mask)]
        ranked = sorted(usable, key=lambda one: (-_return(one), len(one.completion_ids)))
        for better, worse in list(zip(ranked, reversed(ranked), strict=True))[: min(pairs, len(ranked) // 2)]:
            apart = _return(better) - _return(worse) >= margin - 1e-9
            if apart and _return(better) >= chosen - 1e-9 and not better.overlong:
                found.append(Pair(row_of(better), row_of(worse)))
    return found


def write_rows(path: Path, rows: Sequence[Row | Pair]) -> None:
    """Write rows, one a line, whole or not at all."""
    write_whole(path, "".join(json.dumps(row) + "\n" for row in rows))


def read_rows(path: Path) -> list[Row]:
    """Return the rows that `write_rows` wrote."""
    return [Row(*json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs that `write_rows` wrote."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Pair(*(Row(*row) for row in json.loads(line))) for line in lines]


def _return(rollout: Rollout) -> float:
    return rollout.trajectory.episode_return
