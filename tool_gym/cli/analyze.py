"""`tool-gym analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.find import check_writable
from tool_gym.cli.options import AsJson, Seed
from tool_gym.errors import AgentError

if TYPE_CHECKING:
    from tool_gym.agents.analysis.guard import Guard
    from tool_gym.agents.analysis.hybrid import Hybrid

EXAMPLES = (
    "tool-gym analyze BASE TUNED --out analysis",
    "tool-gym analyze BASE SEED0 SEED1 SEED2 --json",
    "tool-gym analyze BASE TUNED --suite everyday --transplant layers=0-2,modules=mlp --revert layers=0-2,modules=mlp",
    "tool-gym analyze BASE TUNED --suite everyday --sweep layers,modules --out analysis",
    "tool-gym analyze BASE TUNED --text held_out.txt --lm-eval arc_easy,hellaswag",
)

_CAUSAL = "The causal test"
_GUARD = "General capability"
_PLAY = "How models play"


def analyze(  # noqa: PLR0913 - a command has the options it has
    base: Annotated[str, typer.Argument(help="The model before: a folder or a Hugging Face id.")],
    tuned: Annotated[
        list[str], typer.Argument(help="The model after, or a LoRA adapter of BASE; several for several seeds.")
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="Write JSON, CSV and pictures into this folder.")] = None,
    transplant: Annotated[
        list[str] | None,
        typer.Option(help="Score BASE with only this change, e.g. layers=0-2,modules=mlp.", rich_help_panel=_CAUSAL),
    ] = None,
    revert: Annotated[
        list[str] | None, typer.Option(help="Score TUNED with this change taken out.", rich_help_panel=_CAUSAL)
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(help="Ask each of layers, modules, or both, for itself.", rich_help_panel=_CAUSAL),
    ] = None,
    group: Annotated[
        int, typer.Option(min=1, help="Neighbouring layers a sweep takes together.", rich_help_panel=_CAUSAL)
    ] = 1,
    figure: Annotated[
        str, typer.Option(help="Figure whose gain a sweep divides.", rich_help_panel=_CAUSAL)
    ] = "solve_f1",
    save: Annotated[
        Path | None,
        typer.Option(help="Write the one transplanted or reverted model to this new folder.", rich_help_panel=_CAUSAL),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="A pack to score models on.", rich_help_panel=_PLAY, show_default="none")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of the pack, or all.", rich_help_panel=_PLAY)] = "test",
    episodes: Annotated[
        int, typer.Option(min=2, help="At most so many, spread evenly over the split.", rich_help_panel=_PLAY)
    ] = 200,
    decode: Annotated[
        list[str] | None,
        typer.Option(help="greedy, sampled, or both.", rich_help_panel=_PLAY, show_default="greedy"),
    ] = None,
    seed: Seed = 0,
    dialect: Annotated[str, typer.Option(help="Format of turns and observations.", rich_help_panel=_PLAY)] = "hermes",
    max_turns: Annotated[int, typer.Option(min=2, help="Turns of an episode.", rich_help_panel=_PLAY)] = 16,
    max_turn_tokens: Annotated[int, typer.Option(min=1, help="Tokens of a turn.", rich_help_panel=_PLAY)] = 256,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens of an episode behind its prompt.", rich_help_panel=_PLAY)
    ] = 4096,
    rows: Annotated[int, typer.Option(min=1, help="Episodes side by side.", rich_help_panel=_PLAY)] = 32,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples behind an interval.")] = 2000,
    text: Annotated[
        Path | None, typer.Option(help="UTF-8 text whose perplexity is compared.", rich_help_panel=_GUARD)
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=2, help="Tokens a model reads at a time.", rich_help_panel=_GUARD)
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, help="Tokens a window moves on by.", rich_help_panel=_GUARD)
    ] = None,
    lm_eval: Annotated[
        list[str] | None, typer.Option(help="Tasks of lm-evaluation-harness.", rich_help_panel=_GUARD)
    ] = None,
    lm_eval_tasks: Annotated[
        Path | None, typer.Option(help="Folder with YAML files of own tasks.", rich_help_panel=_GUARD)
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Documents of each task.", rich_help_panel=_GUARD)] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 …")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, float16.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Compare a tuned model with its base: what changed where, which change carries the gain, and what it cost."""
    from tool_gym.agents.analysis.causal import Resampling
    from tool_gym.agents.analysis.job import Order, check, run
    from tool_gym.agents.analysis.playing import Suite
    from tool_gym.agents.analysis.report import described, write
    from tool_gym.agents.analysis.running import Asked, Machine
    from tool_gym.cli.analyze_view import view
    from tool_gym.cli.find import entries_of, names_of
    from tool_gym.cli.output import print_all, print_json, tell
    from tool_gym.envs.pack import open_pack
    from tool_gym.envs.rollout import spread

    played = None
    if suite is not None:
        pack = open_pack(suite)
        chosen = tuple(entry.id for entry in spread(entries_of(pack, split), episodes))
        caps = (max_turns, max_turn_tokens, max_tokens, rows)
        played = Suite(pack, chosen, tuple(names_of(decode or ["greedy"])), seed, dialect, *caps)
    guard = None
    if text is not None or lm_eval:
        guard = _guard(text, names_of(lm_eval or []), lm_eval_tasks, limit)._replace(window=window, stride=stride)
    order = Order(
        base,
        tuple(tuned),
        _hybrids(transplant or [], revert or []),
        tuple(names_of(sweep or [])),
        group,
        figure,
        Asked(played, guard, Machine(device, dtype)),
        Resampling(resamples, seed),
        save,
    )
    check(order)
    if out is not None:
        _make(out)
    analysis = run(order)
    print_json(described(analysis)) if as_json else print_all(*view(analysis))
    if out is not None:
        tell(f"{len(write(out, analysis))} files are in {out}")
    if save is not None:
        tell(f"the model is in {save}")


def _hybrids(transplant: list[str], revert: list[str]) -> tuple[Hybrid, ...]:
    from tool_gym.agents.analysis.hybrid import Hybrid
    from tool_gym.agents.analysis.selection import parse

    return tuple(
        [Hybrid("transplant", parse(text)) for text in transplant] + [Hybrid("revert", parse(text)) for text in revert]
    )


def _guard(text: Path | None, tasks: list[str], folder: Path | None, limit: int | None) -> Guard:
    from tool_gym.agents.analysis.guard import Guard
    from tool_gym.agents.analysis.harness import Harness
    from tool_gym.agents.analysis.perplexity import read_text

    harness = Harness(tasks, folder, limit=limit) if tasks else None
    return Guard(text=None if text is None else read_text(text), harness=harness)


def _make(folder: Path) -> None:
    """Make the folder for what is written, before hours are spent."""
    if folder.exists() and not folder.is_dir():
        msg = f"cannot write into {folder}: it is no folder"
        raise AgentError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder)
