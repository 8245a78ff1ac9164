"""The cells of the ablations: each a name and what it sets in the configuration of `tool-gym train`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tool_gym.errors import AgentError, UnknownNameError

BASE = "base"
"""The cell that most others differ from in one thing."""

SETTINGS = (
    "env.reward=solve",
    "model.architecture=qwen3",
    "grpo.rollout=episode",
    "grpo.credit.estimator=step_gae",
    "grpo.credit.normalisation=grpo",
    "grpo.schedule.levels=unset",
    "grpo.schedule.failures=unset",
    "grpo.schedule.difficulty=unset",
    "grpo.introspection=unset",
)
"""What the base sets, so that every preset has the same one; all cells have it before their own."""

_OWN_START = ("model.", "sft.")
"""Settings that the supervised start follows from: a cell that changes them has a start of its own."""

_ALLOWED = (*_OWN_START, "grpo.", "peft.", "env.reward=")
_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*")


class Cell(NamedTuple):
    """One way to train."""

    name: str
    settings: tuple[str, ...] = ()
    """What it sets beyond `SETTINGS`, each as section.key=value."""
    against: str = BASE
    """Name of the cell it differs from in one thing."""

    @property
    def start_settings(self) -> tuple[str, ...]:
        """What of it the supervised start follows from."""
        return tuple(one for one in self.settings if one.startswith(_OWN_START))

    @property
    def start(self) -> str:
        """Name of the supervised start."""
        return self.name if self.start_settings else BASE


CELLS = (
    Cell(BASE),
    # reward
    Cell("ftrl_f1", ("env.reward=ftrl_f1",)),
    Cell("step_grained", ("env.reward=step_grained",)),
    Cell("outcome", ("env.reward=step_grained:mode=final_only",)),
    # credit
    Cell("trajectory", ("grpo.credit.estimator=trajectory",)),
    Cell("turn_group", ("grpo.credit.estimator=turn_group",)),
    Cell("step_gae_value", ("grpo.credit.estimator=step_gae_value", "grpo.credit.normalisation=reinforce_pp")),
    # algorithm
    Cell("dr_grpo", ("grpo.credit.normalisation=dr_grpo",)),
    Cell("rloo", ("grpo.credit.normalisation=rloo",)),
    Cell("reinforce_pp_baseline", ("grpo.credit.normalisation=reinforce_pp_baseline",)),
    Cell("reinforce_pp", ("grpo.credit.estimator=trajectory", "grpo.credit.normalisation=reinforce_pp"), "trajectory"),
    # curriculum
    Cell("levels", ("grpo.schedule.levels.key=depth",)),
    Cell("difficulty", ("grpo.schedule.difficulty={}",)),
    # rollout
    Cell("stored_prefix", ("grpo.rollout=stored_prefix",)),
    Cell("ftrl_f1_prefix", ("env.reward=ftrl_f1", "grpo.rollout=stored_prefix"), "ftrl_f1"),
    # architecture
    Cell("llama", ("model.architecture=llama",)),
)


def cell_of(words: Sequence[str]) -> Cell:
    """Return the cell that a command line names: NAME or NAME@AGAINST, then settings.

    Raises:
        AgentError: If the name is no name of a folder, or it changes what cells are compared on.
    """
    name, _, against = words[0].partition("@")
    if not _NAME.fullmatch(name):
        msg = f"a cell is named by letters, digits, '_', '-' and '.', not {name!r:.60}"
        raise AgentError(msg)
    for setting in words[1:]:
        if not setting.startswith(_ALLOWED):
            msg = (
                f"the cell {name} sets {setting!r:.80}: cells are compared on the same episodes, so they set grpo, "
                "env.reward, model, sft or peft; give what is to hold for all of them with --set"
            )
            raise AgentError(msg)
    return Cell(name, tuple(words[1:]), against or BASE)


def chosen(cells: Iterable[Cell], only: Sequence[str]) -> tuple[Cell, ...]:
    """Return the cells named, and those they are compared with; all if none is named. Of two of a name, the last.

    Raises:
        UnknownNameError: If there is no such cell.
    """
    known = {cell.name: cell for cell in cells}
    wanted: set[str] = set()
    waiting = list(only or known)
    while waiting:
        name = waiting.pop()
        if name not in known:
            error = UnknownNameError.of("cell", name, known)
            raise error
        if name not in wanted:
            wanted.add(name)
            waiting += [BASE, known[name].against]
    return tuple(cell for cell in known.values() if cell.name in wanted)
