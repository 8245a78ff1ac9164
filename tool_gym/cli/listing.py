"""`tool-gym list`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.envs.card import Card
    from tool_gym.envs.pack import Entry, Pack

_WORDS = 96
"""How much of a request is shown, in characters."""

EXAMPLES = (
    "tool-gym list",
    "tool-gym list everyday --split test --shape multi_hop",
)


def list_packs(  # noqa: PLR0913 - a command has the options it has
    pack: Annotated[str | None, typer.Argument(help="A pack's name or folder: list its scenarios.")] = None,
    *,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    shape: Annotated[str | None, typer.Option(help="Only this shape.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only this domain.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many scenarios; 0 for all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the packs, policies, rewards and dialects there are, or the scenarios of one pack."""
    from tool_gym.cli.output import print_json
    from tool_gym.errors import ToolGymError

    if pack is None:
        if split or shape or domain:
            msg = "--split, --shape and --domain choose scenarios of a pack: name one, as in `tool-gym list everyday`"
            raise ToolGymError(msg)
        found = _everything()
        print_json(found) if as_json else _print_everything(found)
        return
    _list_scenarios(pack, {"split": split, "shape": shape, "domain": domain}, limit, as_json=as_json)


def _list_scenarios(name: str, wanted: Mapping[str, str | None], limit: int, *, as_json: bool) -> None:
    from tool_gym.cli.output import print_all, print_json, table, tell
    from tool_gym.envs.pack import open_pack

    pack = open_pack(name)
    entries = _chosen(pack, wanted)
    shown = entries[: limit or len(entries)]
    rows = [{**entry._asdict(), "request": pack.task(entry.id).scenario.user_turns[0]} for entry in shown]
    if as_json:
        print_json({"pack": pack.name, "total": len(entries), "scenarios": rows})
        return
    columns = ("id", "split", "shape", "domain", "request")
    cells = [[_short(row[column]) for column in columns] for row in rows]
    print_all(table(columns, cells))
    if len(shown) < len(entries):
        tell(f"{len(shown)} of {len(entries)} shown; --limit 0 shows all")


def _chosen(pack: Pack, wanted: Mapping[str, str | None]) -> list[Entry]:
    from tool_gym.errors import UnknownNameError

    entries = list(pack.entries())
    for kind, name in wanted.items():
        known = {getattr(entry, kind) for entry in pack.entries()}
        if name is not None and name not in known:
            raise UnknownNameError.of(kind, name, known)
        entries = [entry for entry in entries if name in (None, getattr(entry, kind))]
    return entries


def _everything() -> dict[str, Any]:
    from tool_gym.dialects import DIALECTS
    from tool_gym.envs.bundled import bundled_packs
    from tool_gym.envs.policies import POLICIES
    from tool_gym.rewards import REWARDS

    return {
        "packs": [_described(_card(folder)) for folder in bundled_packs().values()],
        "policies": list(POLICIES),
        "rewards": list(REWARDS),
        "dialects": list(DIALECTS),
    }


def _card(folder: Path) -> Card:
    from tool_gym.envs.pack import read_card
    from tool_gym.envs.recipes import FILE, read_recipe

    return read_recipe(folder / FILE) if (folder / FILE).is_file() else read_card(folder)


def _described(card: Card) -> dict[str, Any]:
    about = {name: getattr(card, name) for name in ("id", "version", "licence", "title", "description")}
    about |= {"splits": card.splits, "counts": card.counts, "content_hash": card.content_hash}
    return about | {"built_on_first_use": not card.files}


def _print_everything(found: dict[str, Any]) -> None:
    from tool_gym.cli.output import print_all, table, text

    parts: list[Any] = []
    for pack in found["packs"]:
        splits = ", ".join(f"{name} {count}" for name, count in pack["splits"].items())
        once = "; built on first use" if pack["built_on_first_use"] else ""
        parts.append(text(f"{pack['id']} {pack['version']} ({pack['licence']}): {splits}{once}", "bold"))
        parts += [table((kind, "scenarios"), sorted(of.items()), numbers=1) for kind, of in pack["counts"].items()]
        parts.append(text(""))
    if not parts:
        parts.append(text("no pack comes with this installation; tool-gym generate builds one"))
    parts += [text(f"{kind}: {', '.join(found[kind])}") for kind in ("policies", "rewards", "dialects")]
    print_all(*parts)


def _short(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _WORDS else line[:_WORDS].rpartition(" ")[0] + " …"
