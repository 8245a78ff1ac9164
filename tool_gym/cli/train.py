"""`tool-gym train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.agents.training.config import TrainConfig

EXAMPLES = (
    "tool-gym train --list-presets",
    "tool-gym train --preset cpu-demo --out runs/demo",
    "tool-gym train --preset cpu-demo --seeds 0,1,2 --out runs/three",
    "tool-gym train --preset cpu-demo --set grpo.steps=20 --set grpo.credit.estimator=trajectory --print-config",
    "tool-gym train --preset lora-7b --model Qwen/Qwen2.5-0.5B-Instruct --suite mine --out runs/mine",
)


def train(  # noqa: PLR0913 - a command has the options it has
    *,
    preset: Annotated[str | None, typer.Option(help="Settings to begin with; see --list-presets.")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings, over the preset's.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting as section.key=value, over the file's; may be repeated."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model's folder or Hugging Face id: short for --set model.path=….")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="A pack's name or folder: short for --set env.suite=….")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds, separated by commas, each a run of its own: short for --set run.seeds=….")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The output folder: short for --set run.out=….")] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the resolved configuration as TOML and stop.")
    ] = False,
    list_presets: Annotated[bool, typer.Option("--list-presets", help="Print the presets and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a policy on a pack: supervised, by reinforcement, by preferences; needs the extra `train`.

    Settings come from a preset, a file and single settings, each over the ones before. The same command again goes on
    where a run was interrupted. To use several GPUs: accelerate launch -m tool_gym.cli train ….
    """
    from tool_gym.cli.output import print_json

    if list_presets:
        _print_presets()
        return
    resolved = _resolved(preset, config, settings or [], model=model, suite=suite, seeds=seeds, out=out)
    if print_config:
        from tool_gym.agents.training.settings import to_toml

        sys.stdout.write(to_toml(resolved))
        return
    results = _run(resolved)
    if results is not None:
        print_json(results) if as_json else _print(resolved, results)


def _resolved(preset: str | None, file: Path | None, settings: list[str], **short: str | Path | None) -> TrainConfig:
    from tool_gym.agents.training.settings import resolve
    from tool_gym.errors import AgentError

    if preset is None and file is None:
        msg = "say what to train: a --preset (see --list-presets), a --config FILE, or both"
        raise AgentError(msg)
    keys = {"model": "model.path", "suite": "env.suite", "out": "run.out"}
    extra: dict[str, Any] = {key: str(short[name]) for name, key in keys.items() if short[name] is not None}
    if short["seeds"] is not None:
        extra["run.seeds"] = _seeds(str(short["seeds"]))
    return resolve(preset, file, settings, extra)


def _seeds(given: str) -> list[int]:
    from tool_gym.cli.find import names_of
    from tool_gym.errors import AgentError

    found = names_of([given])
    if not all(seed.isdecimal() for seed in found):
        msg = f"--seeds takes whole numbers separated by commas, such as 0,1,2, not {given!r:.60}"
        raise AgentError(msg)
    return [int(seed) for seed in found]


def _run(resolved: TrainConfig) -> dict[str, Any] | None:
    """Train, and return the results in the process that prints them."""
    import os

    from tool_gym.agents.training.run import train as run
    from tool_gym.agents.training.settings import to_toml

    first = os.environ.get("RANK", "0") == "0"
    if first:
        sys.stderr.write(f"{to_toml(resolved)}\n")
        sys.stderr.flush()
    results = run(resolved)
    return results if first else None


def _print_presets() -> None:
    from tool_gym.agents.training.settings import preset_names, preset_title
    from tool_gym.cli.output import print_all, table

    print_all(table(("preset", "what it is for"), [(name, preset_title(name)) for name in preset_names()]))


def _print(resolved: TrainConfig, results: dict[str, Any]) -> None:
    from tool_gym.agents.training.report import FIGURES, gain_line, heading, shown
    from tool_gym.cli.output import print_all, table, tell, text

    columns = [key for key in FIGURES if any(key in row for row in results["rows"])]
    rows = [(row["policy"], *(shown(row.get(key)) for key in columns)) for row in results["rows"]]
    made = table(("policy", *(FIGURES[key] for key in columns)), rows, numbers=len(columns))
    print_all(text(heading(results)), text(""), made, text(""), *(text(gain_line(one)) for one in results["gains"]))
    tell(f"models, evaluations, table and curves are in {resolved.run.out}")
