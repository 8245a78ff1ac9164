"""Ablations: what each part of the training adds, and what each reward teaches.

    python -m benchmarks.ablations --preset cpu-demo --out runs/ablations --seeds 0,1,2
    python -m benchmarks.ablations --preset cpu-demo --out runs/ablations --only ftrl_f1,trajectory --steps 40
    python -m benchmarks.ablations --preset cpu-demo --out runs/ablations --cell hot "grpo.temperature=1.2"

Needs the extra `train`. For each seed one supervised start is trained, then GRPO from it once for each cell, all with
`tool-gym train`; a cell is a name and the settings in which it differs. Whatever the cells' rewards are, they are
compared by `solve`, on the same held-out episodes, and the signs of farming in those episodes are counted. The same
command again goes on where it was interrupted; finished cells cost no more training. See docs/ablations.md.
"""

from __future__ import annotations

import argparse
import gc
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.ablation_cells import BASE, CELLS, SETTINGS, Cell, cell_of, chosen
from benchmarks.ablation_results import Evaluated, Run, results_of, table_of
from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.folder import write_json
from tool_gym.agents.training.run import train
from tool_gym.agents.training.settings import preset_names, resolve
from tool_gym.agents.training.suite import PACK, check_pack, ensure_pack
from tool_gym.envs.pack import open_pack
from tool_gym.errors import AgentError, ToolGymError
from tool_gym.files import write_whole


class Plan(NamedTuple):
    """Everything that is to be trained."""

    preset: str | None
    file: Path | None
    settings: tuple[str, ...]
    """What holds for all cells, beyond preset and file."""
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    checkpoint: str
    """The model that cells begin with; empty for one that is trained here."""
    out: Path

    @property
    def suite(self) -> str:
        """The pack that all play."""
        return self._resolved((), {}).env.suite or str(self.out / PACK)

    def whole(self) -> TrainConfig:
        """Return the base's configuration, both stages in one."""
        return self._resolved((), {})

    def start(self, cell: Cell, seed: int) -> TrainConfig:
        """Return the configuration of the supervised start of a cell."""
        fixed = {"stages": ["sft"], "run.out": str(self.out / "start" / cell.start)}
        return self._resolved(cell.start_settings, self._of_seed(seed) | fixed)

    def started(self, cell: Cell, seed: int) -> str:
        """Return where that leaves its model, or the checkpoint that takes its place."""
        if self.checkpoint and not cell.start_settings:
            return self.checkpoint.replace("{seed}", str(seed))
        return str(self.out / "start" / cell.start / f"seed-{seed}" / "sft" / "final")

    def config(self, cell: Cell, seed: int) -> TrainConfig:
        """Return the configuration of a cell."""
        fixed = {"stages": ["grpo"], "model.path": self.started(cell, seed), "run.out": str(self.folder(cell))}
        return self._resolved(cell.settings, self._of_seed(seed) | fixed)

    def folder(self, cell: Cell) -> Path:
        """Return where the runs of a cell are."""
        return self.out / "cells" / cell.name

    def command(self, cell: Cell, seed: int) -> str:
        """Return how a cell is trained by hand."""
        words = ["tool-gym", "train"]
        words += ["--preset", self.preset] if self.preset else []
        words += ["--config", str(self.file)] if self.file else []
        given = (*SETTINGS, *self.settings, *cell.settings, 'stages=["grpo"]')
        words += [word for setting in given for word in ("--set", setting)]
        words += ["--model", self.started(cell, seed), "--suite", self.suite, "--seeds", str(seed)]
        return shlex.join([*words, "--out", str(self.folder(cell))])

    def _of_seed(self, seed: int) -> dict[str, Any]:
        return {"env.suite": self.suite, "run.seeds": [seed]}

    def _resolved(self, settings: Sequence[str], extra: dict[str, Any]) -> TrainConfig:
        return resolve(self.preset, self.file, (*SETTINGS, *self.settings, *settings), extra)


def run(plan: Plan) -> dict[str, Any]:
    """Train what is not trained yet, and return the results; they are written after each cell."""
    prepare(plan)
    failed: dict[str, str] = {}
    known: dict[Path, Evaluated] = {}
    results = report(plan, failed, known)
    for seed in plan.seeds:
        for cell in plan.cells:
            try:
                for config in _configs(plan, cell, seed):
                    train(config)
                    _let_go()
            except ToolGymError as error:
                failed[f"{cell.name}, seed {seed}"] = str(error)
                _tell(f"the cell {cell.name}, seed {seed}, failed: {error}")
            results = report(plan, failed, known)
    return results


def prepare(plan: Plan) -> None:
    """Check all configurations and generate the pack, before anything is trained."""
    for seed in plan.seeds:
        for cell in plan.cells:
            list(_configs(plan, cell, seed))
    whole = plan.whole()
    plan.out.mkdir(parents=True, exist_ok=True)
    check_pack(whole.env, plan.out)
    ensure_pack(whole.env, plan.out, whole.run.workers)


def report(plan: Plan, failed: dict[str, str], known: dict[Path, Evaluated]) -> dict[str, Any]:
    """Return the results of what is finished, and write them into the output folder.

    Args:
        plan: What is to be trained.
        failed: Cell and seed → why it could not be.
        known: What was read before; see `results_of`.
    """
    pack = open_pack(plan.suite)
    runs = [
        Run(cell, seed, plan.folder(cell) / f"seed-{seed}", plan.command(cell, seed))
        for cell in plan.cells
        for seed in plan.seeds
    ]
    results = {"preset": plan.preset, "config": str(plan.file or ""), "settings": list(plan.settings)}
    results |= results_of([one for one in runs if one.is_finished], pack, known) | {"failed": failed}
    write_json(plan.out / "results.json", results)
    write_whole(plan.out / "table.md", table_of(results))
    return results


def _configs(plan: Plan, cell: Cell, seed: int) -> Iterator[TrainConfig]:
    """Yield what is trained for a cell, in order; a start that several share is gone through once."""
    if not plan.checkpoint or cell.start_settings:
        yield plan.start(cell, seed)
    yield plan.config(cell, seed)


def _let_go() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _tell(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def read_plan(words: Sequence[str] | None = None) -> tuple[Plan, argparse.Namespace]:
    """Read the options.

    Raises:
        AgentError: If a setting will not do.
        UnknownNameError: If there is no such preset or cell.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", help=f"settings to begin with: {', '.join(preset_names())}")
    parser.add_argument("--config", type=Path, help="a TOML file of settings, over the preset's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of all cells")
    parser.add_argument("--out", type=Path, default=Path("runs/ablations"), help="output folder (runs/ablations)")
    parser.add_argument("--seeds", default="0", help="seeds, separated by commas (0)")
    parser.add_argument("--steps", type=int, help="steps of reinforcement: short for --set grpo.steps=…")
    parser.add_argument("--only", default="", help="cells, separated by commas; those they are compared with come too")
    parser.add_argument(
        "--cell", action="append", nargs="+", default=[], metavar="NAME SETTING", help="one more cell; may be repeated"
    )
    parser.add_argument("--checkpoint", default="", help="model to begin with; {seed} in it stands for the seed")
    parser.add_argument("--list", action="store_true", help="print the cells and stop")
    parser.add_argument("--report", action="store_true", help="train nothing; print what is finished")
    given = parser.parse_args(words)
    settings = [*given.set, *([f"grpo.steps={given.steps}"] if given.steps is not None else [])]
    cells = chosen([*CELLS, *map(cell_of, given.cell)], [name for name in given.only.split(",") if name])
    seeds = [seed.strip() for seed in given.seeds.split(",")]
    if not all(seed.isdecimal() for seed in seeds):
        msg = f"--seeds takes whole numbers separated by commas, such as 0,1,2, not {given.seeds!r:.60}"
        raise AgentError(msg)
    plan = Plan(given.preset, given.config, tuple(settings), cells, tuple(map(int, seeds)), given.checkpoint, given.out)
    return plan, given


def main(words: Sequence[str] | None = None) -> int:
    """Read the options, train, print the table; return the exit status."""
    try:
        plan, given = read_plan(words)
        if given.list:
            for cell in plan.cells:
                against = "" if cell.against == BASE else f"  (against {cell.against})"
                print(f"{cell.name:24}{'  '.join(cell.settings)}{against}")
            return 0
        if plan.preset is None and plan.file is None:
            msg = "say what to train: a --preset, a --config FILE, or both"
            raise AgentError(msg)
        results = report(plan, {}, {}) if given.report else run(plan)
    except ToolGymError as error:
        _tell(f"error: {error}")
        return 2
    print(table_of(results), end="")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
