"""`tool-gym audit`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.evaluate.audit.measure import Audit

EXAMPLES = (
    "tool-gym audit everyday",
    "tool-gym audit mine --out mine.html --played 0",
)


def audit(
    pack: Annotated[str, typer.Argument(help="A pack's name, folder or recipe.")],
    *,
    out: Annotated[Path | None, typer.Option(help="Also write a page with plots and 50 samples.")] = None,
    played: Annotated[
        int,
        typer.Option(min=0, help="Scenarios that scripted policies play, to see if levels are difficulty."),
    ] = 400,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if a figure misses its bar.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure a pack: leaks, duplicates, how varied its texts are, how much of the tool graph it uses, and more."""
    from tool_gym.cli.find import check_new_file
    from tool_gym.cli.output import print_json, tell
    from tool_gym.envs.pack import open_pack
    from tool_gym.evaluate.audit.measure import audit as measure
    from tool_gym.evaluate.audit.page import page
    from tool_gym.files import write_whole
    from tool_gym.progress import progress

    target = check_new_file(out) if out is not None else None
    opened = open_pack(pack)
    with progress("reading", len(opened.entries())) as done:
        found = measure(opened, played=played, progress=done)
    if target is not None:
        write_whole(target, page(found))
    print_json(_described(found)) if as_json else _print(found)
    if target is not None and not as_json:
        tell(f"page written to {out}")
    if strict and not all(bar.met for bar in found.bars):
        raise typer.Exit(1)


def _described(found: Audit) -> dict[str, Any]:
    made = found.structure
    return {
        "pack": found.pack,
        "scenarios": found.scenarios,
        "splits": found.splits,
        "domains": dict(made.domains),
        "worlds": found.worlds,
        "tool_schemas": made.schemas,
        "tool_sets": made.toolsets,
        "sequences": made.sequences,
        "shapes": [{"shape": shape, "depth": depth, "scenarios": n} for (shape, depth), n in sorted(made.grid.items())],
        "bars": [{**bar._asdict(), "met": bar.met} for bar in found.bars],
        "self_bleu_within": found.texts.within,
        "answer_types": dict(found.answers.types),
        "edges": {name: {"used": used, "possible": possible} for name, (used, possible) in made.coverage.items()},
        "gates": dict(found.gates),
        "attempts": found.attempts,
        "rejected": found.rejected,
        "difficulty": [{**band._asdict(), "failure": band.failure} for band in found.bands],
    }


def _print(found: Audit) -> None:
    from tool_gym.cli.output import print_all, table, text
    from tool_gym.evaluate.audit.page import shown
    from tool_gym.evaluate.audit.structure import entropy

    made = found.structure
    splits = ", ".join(f"{name} {count:,}" for name, count in found.splits.items())
    shapes: dict[str, int] = {}
    for (shape, _), count in made.grid.items():
        shapes[shape] = shapes.get(shape, 0) + count
    facts = [
        f"{found.pack}: {found.scenarios:,} scenarios ({splits}), {len(made.domains)} domains, {found.worlds:,} worlds",
        f"{made.schemas:,} different tool schemas in {made.toolsets:,} different sets of tools",
        f"{made.sequences:,} different sequences of calls; entropy of shapes {entropy(shapes):.2f} bits",
        "",
    ]
    bars = table(("figure", "found", "should be", ""), [(bar.name, *shown(bar)) for bar in found.bars])
    of_shape = table(("shape", "scenarios"), Counter(shapes).most_common(), numbers=1)
    print_all(*map(text, facts), bars, text(""), of_shape)
