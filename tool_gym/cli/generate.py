"""`tool-gym generate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson, Seed

if TYPE_CHECKING:
    from tool_gym.envs.pack import Card
    from tool_gym.generators.pipeline import PackPlan, Report

_Size = Annotated[int, typer.Option(min=0, help="Scenarios of that split.")]

EXAMPLES = (
    "tool-gym generate --name mine --out mine --train 200 --test 50 --seed 7",
    "tool-gym generate --name easy --out easy --train 100 --complexity 0 --domains energy,travel",
)


def generate(  # noqa: PLR0913 - a command has the options it has
    *,
    name: Annotated[str, typer.Option(help="The pack's id: lower-case letters, digits, - and _.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    train: _Size = 0,
    validation: _Size = 0,
    test: _Size = 0,
    seed: Seed = 0,
    complexity: Annotated[
        int | None, typer.Option(min=0, max=4, help="How busy the tools are.", show_default="drawn for each scenario")
    ] = None,
    domains: Annotated[
        str | None, typer.Option(help="Domains, separated by commas.", show_default="each split's own")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a pack that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a pack of proved scenarios from one seed."""
    from tool_gym.cli.find import check_new_folder, names_of
    from tool_gym.cli.output import print_json, progress
    from tool_gym.generators.pipeline import build_pack

    sizes = {"train": train, "validation": validation, "test": test}
    plan = _plan(name, sizes, seed, complexity, names_of([domains] if domains else []))
    folder = check_new_folder(out, overwrite=overwrite)
    with progress("generating", sum(sizes.values())) as done:
        card, report = build_pack(plan, folder, overwrite=overwrite, progress=done)
    if as_json:
        print_json(_described(card, report, folder))
    else:
        _print(card, report, out)


def _plan(name: str, sizes: dict[str, int], seed: int, complexity: int | None, domains: list[str]) -> PackPlan:
    from tool_gym.errors import GenerationError
    from tool_gym.generators.pipeline import PackPlan

    if not any(sizes.values()):
        msg = "nothing to generate: say how many scenarios with --train, --validation or --test"
        raise GenerationError(msg)
    chosen = {split: tuple(domains) for split, size in sizes.items() if size} if domains else None
    return PackPlan(name, sizes, chosen, seed, complexity)


def _described(card: Card, report: Report, folder: Path) -> dict[str, Any]:
    return {
        "name": card.id,
        "folder": str(folder),
        "env_id": f"ToolUse/{card.id}-v0",
        "splits": card.splits,
        "counts": card.counts,
        "content_hash": card.content_hash,
        "accepted": report.accepted,
        "attempts": report.attempts,
        "rebuilt": report.rebuilt,
        "rejected": dict(report.rejected.most_common()),
    }


def _print(card: Card, report: Report, folder: Path) -> None:
    from tool_gym.cli.output import print_all, table, text

    splits = ", ".join(f"{split} {count}" for split, count in card.splits.items())
    parts: list[Any] = [
        text(f"{card.id}: {report.accepted} scenarios ({splits}) from {report.attempts} attempts"),
        text(f"content hash {card.content_hash}"),
        text(""),
    ]
    if report.rejected:
        parts += [table(("gate and reason", "drafts"), report.rejected.most_common(), numbers=1), text("")]
    use = [
        "To play it:",
        f"  tool-gym rollout --suite {folder} --split {next(iter(card.splits))}",
        "or",
        "  import gymnasium as gym, tool_gym",
        f'  env = gym.make("ToolUse-v0", pack="{folder}")',
    ]
    print_all(*parts, *(text(line) for line in use))
