"""`tool-gym domain`: the domains there are, and whether a new one is fit for use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.generators.domain import Domain
    from tool_gym.generators.domain_rules import Problem

CHECK_EXAMPLES = (
    "tool-gym domain check bakery.json",
    "tool-gym domain check domains/*.json --json",
)
LIST_EXAMPLES = ("tool-gym domain list",)

app = typer.Typer(help="Domains: what generated worlds are made of.")


@app.command("check", epilog="\n\n".join(("Examples:", *CHECK_EXAMPLES)))
def check(
    files: Annotated[list[Path], typer.Argument(help="Domain files.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Check domain files: format, structure, words, and the English of requests drawn from each. Exits 1 on errors."""
    from tool_gym.cli.output import print_json
    from tool_gym.generators.domain_check import examine

    found = {str(path): examine(path) for path in files}
    failed = any(problem.error for problems in found.values() for problem in problems)
    if as_json:
        print_json({"ok": not failed, "files": {name: [p._asdict() for p in all_of] for name, all_of in found.items()}})
    else:
        _print(found)
    if failed:
        raise typer.Exit(1)


@app.command("list", epilog="\n\n".join(("Examples:", *LIST_EXAMPLES)))
def list_domains(*, as_json: AsJson = False) -> None:
    """List the bundled domains."""
    from tool_gym.cli.output import print_all, print_json, table
    from tool_gym.generators.domain import domain_names, load_domain

    rows = [_described(load_domain(name)) for name in domain_names()]
    if as_json:
        print_json(rows)
    else:
        print_all(table(tuple(rows[0]), [tuple(row.values()) for row in rows], numbers=4))


def _described(domain: Domain) -> dict[str, Any]:
    from tool_gym.generators.domain_check import longest_chain

    return {
        "domain": domain.name,
        "about": domain.title,
        "split": domain.split,
        "entities": len(domain.entities),
        "attributes": sum(len(entity.attributes) for entity in domain.entities.values()),
        "references": len(domain.groups),
        "longest chain": len(longest_chain(domain)) - 1,
    }


def _print(found: dict[str, list[Problem]]) -> None:
    from tool_gym.cli.output import print_all, table, text

    rows = [
        (name, "error" if p.error else "advice", p.place or "–", p.rule, p.message)
        for name, problems in found.items()
        for p in problems
    ]
    parts: list[Any] = [table(("file", "level", "place", "rule", "what to do"), rows)] if rows else []
    errors = sum(row[1] == "error" for row in rows)
    verdict = f"{errors} error{'s' if errors != 1 else ''}, {len(rows) - errors} to consider"
    print_all(*parts, text(f"{len(found)} file{'s' if len(found) != 1 else ''} checked: {verdict}"))
