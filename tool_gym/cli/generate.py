"""`tool-gym generate`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson, Seed

if TYPE_CHECKING:
    from tool_gym.envs.card import Card
    from tool_gym.generators.shards import Report

_Size = Annotated[int, typer.Option(min=0, help="Scenarios of that split.")]

SHARES = {"train": 8, "validation": 1, "test": 1}
"""How --count is shared out, in tenths."""

EXAMPLES = (
    "tool-gym generate --out mine --train 200 --test 50 --seed 7",
    "tool-gym generate --out easy --train 100 --complexity 0 --domains energy,travel",
    "tool-gym generate --out many --count 5000 --workers 4",
    "tool-gym generate --out mine --count 200 --domain-files bakery.json",
)


def generate(  # noqa: PLR0913 - a command has the options it has
    *,
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    name: Annotated[
        str | None,
        typer.Option(help="The pack's id: lower-case letters, digits, - and _.", show_default="the folder's name"),
    ] = None,
    count: Annotated[
        int, typer.Option(min=0, help="Scenarios in all: eight tenths to train on, one to validate, one to test.")
    ] = 0,
    train: _Size = 0,
    validation: _Size = 0,
    test: _Size = 0,
    seed: Seed = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes to share the work.", show_default="one per processor")
    ] = None,
    complexity: Annotated[
        str | None,
        typer.Option(
            help="How far tools are scaled: 0 to 4, or operators as toolset=2,types=1.",
            show_default="drawn for each scenario",
        ),
    ] = None,
    domains: Annotated[
        str | None, typer.Option(help="Domains, separated by commas.", show_default="each split's own")
    ] = None,
    domain_files: Annotated[
        str | None,
        typer.Option(
            help="Files of domains of your own, or folders of them, separated by commas; unless --domains says "
            "otherwise, nothing else is drawn on."
        ),
    ] = None,
    shapes: Annotated[str | None, typer.Option(help="Shapes, separated by commas.", show_default="all")] = None,
    depths: Annotated[
        str | None, typer.Option(help="Depths (calls of the longest chain), as 1,2.", show_default="all")
    ] = None,
    registers: Annotated[
        str | None,
        typer.Option(help="Registers of documentation: terse, prose, openapi, legacy.", show_default="all"),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Also write a recipe: a small file from which anyone builds the same pack.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a pack that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a pack of proved scenarios from one seed.

    The same seed and version give the same bytes, whatever the number of workers. A run that was interrupted goes on
    where it was when the same command is given again.
    """
    from tool_gym.cli.find import check_new_file, check_new_folder, names_of
    from tool_gym.cli.output import print_json
    from tool_gym.files import write_whole
    from tool_gym.generators.domain import read_domain
    from tool_gym.generators.pinned import recipe_of
    from tool_gym.generators.pipeline import build_pack
    from tool_gym.generators.plan import PackPlan
    from tool_gym.progress import progress

    sizes = _sizes(count, {"train": train, "validation": validation, "test": test})
    of_split = tuple(names_of([domains])) if domains else ()
    plan = PackPlan(
        name or out.resolve().name,
        sizes,
        {split: of_split for split, size in sizes.items() if size} if of_split else None,
        seed,
        complexity,
        tuple(names_of([shapes])) if shapes else (),
        tuple(read_domain(path) for path in _files(domain_files)),
        _numbers(depths),
        tuple(names_of([registers])) if registers else (),
    )
    folder = check_new_folder(out, overwrite=overwrite)
    recipe_file = check_new_file(recipe) if recipe is not None else None
    with progress("generating", sum(sizes.values())) as done:
        card, report = build_pack(
            plan, folder, workers=workers or os.cpu_count() or 1, overwrite=overwrite, progress=_shown(done)
        )
    if recipe_file is not None:
        write_whole(recipe_file, recipe_of(card))
    if as_json:
        print_json(_described(card, report, folder))
    else:
        _print(card, report, out)


def _numbers(given: str | None) -> tuple[int, ...]:
    from tool_gym.cli.find import names_of
    from tool_gym.errors import GenerationError

    names = names_of([given]) if given else []
    if not all(name.isdecimal() for name in names):
        msg = f"--depths takes whole numbers with commas between them, as 1,2, not {given!r}"
        raise GenerationError(msg)
    return tuple(map(int, names))


def _files(given: str | None) -> list[Path]:
    from tool_gym.cli.find import names_of

    paths = [Path(name) for name in names_of([given])] if given else []
    return [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]


def _sizes(count: int, given: dict[str, int]) -> dict[str, int]:
    from tool_gym.errors import GenerationError

    if count and any(given.values()):
        msg = "give either --count or the size of each split, not both"
        raise GenerationError(msg)
    if not count and not any(given.values()):
        msg = "nothing to generate: say how many scenarios with --count, or with --train, --validation or --test"
        raise GenerationError(msg)
    shared = {split: count * share // 10 for split, share in SHARES.items()}
    return {**shared, "train": count - shared["validation"] - shared["test"]} if count else given


def _shown(done: Callable[..., None]) -> Callable[[Report], None]:
    """Return what turns reports into a progress bar."""

    def show(report: Report) -> None:
        rate = f" ({report.accepted / report.attempts:.0%} of drafts pass)" if report.attempts else ""
        worst = report.rejected.most_common(1)
        done(report.accepted, f"generating{rate}" + (f"; most fail {worst[0][0]}" if worst else ""))

    return show


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
