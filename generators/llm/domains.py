"""Domains written by a model: one cell of the grid at a time, checked and tried out before they count.

What the checker finds is sent back to be patched; a domain that stays wrong is quarantined, never kept. The model is
told the names of the domains there are and nothing else of them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tool_gym import jsonio
from tool_gym.files import write_whole
from tool_gym.generators.domain import Domain, domain_names, load_domain
from tool_gym.generators.domain_check import examine
from tool_gym.generators.llm import domain_form
from tool_gym.generators.llm.domain_ideas import ALIKE, Cell, Outline, likeness, next_cell, not_new, outline
from tool_gym.generators.llm.runs import ACCEPTED, QUARANTINED, Run
from tool_gym.generators.pools import Split
from tool_gym.llm.answers import ask_json
from tool_gym.llm.client import Client, tokens_of
from tool_gym.llm.journal import Done
from tool_gym.llm.problems import Problem, shown

VERSION = "1"
"""Version of the prompt."""

STAGE = "domains"
MAX_TOKENS = 12_000
"""Longest answer."""

TRIES = 3
"""Cells that are tried for each domain wanted, at most."""

DUPLICATE = "duplicate"

_RULES = """\
You design small relational databases for made-up organisations, with the English to talk about them. Write one domain.

- 4 to 7 entities. References (refs) lead from the many to the one: a stay refers to its room, a room to its hotel. Some
  chain of references must have at least 3 links, every entity must be connected, and none may refer to itself.
- Entity names, attribute names and pool names are lower-case keys; nouns and plurals are plain English, never the same
  word. Never use these attribute names: id, name, type, date, value, field, limit, page, order, sort_by, direction.
- Rows are named either from a pool (label_pool) or by codes (label_code, capital letters); leave the other one empty. A
  pool must give at least twice rows_high names. Shared pools: {pools}. Write own pools for names of this field: two
  parts of 15 or more words each are joined to a name; no digits, no commas, no "and" or "or".
- At least one entity has a label_code, is creatable with create phrases ("book a table"), and has a state. Leave create
  empty where creatable is false. rows_low to rows_high: 5 to 10 for the one-side, 40 to 60 for the many-side.
- numbers: a range (low, high) of at least 20 values for each row; at most 2 decimals; most and least are superlatives
  that fit ("highest", "lowest"). At least one number is writable. additive says whether a sum means anything.
- dates: low and high as YYYY-MM-DD; "latest" and "earliest" or the like. At least one date and one enum somewhere.
- enums: 3 to 5 values, adjectives or nouns that fit before the plural; filter phrases with {{value}} and {{plural}}, as
  in "{{value}} {{plural}}". No value may occur in two attributes of an entity or be the name of something else.
- states: one of an entity at most; transitions for every value (after is empty for a final one), an initial value, a
  cancel value with cancel_verb ("cancel {{x}}"), move ("set the status of {{x}} to {{value}}"), and filter phrases.
- forms: three noun phrases of different build that begin with "the", each with {{x}} once, and no article before {{x}}:
  "the price of {{x}}", "the amount {{x}} costs". children: phrases after the plural with {{x}}: "assigned to {{x}}".
- Nouns of attributes are singular, differ within an entity by more than one word, and never begin with total, average,
  highest or the like.
- availability, at most one in the domain: on the entity that is booked, names the entity of its bookings, their ref
  to here (without _id), their date, and the state values that keep it occupied.
- All fields must be there; what does not apply is empty.

Name the domain otherwise than these: {names}.
The domain is about {sector}; at its heart are {archetype}, and what people do there is {pattern}."""


@dataclass
class Written:
    """What a run came to."""

    domains: list[dict[str, Any]] = field(default_factory=list)
    """Accepted domains, as the data of domain files."""
    results: list[Done] = field(default_factory=list)
    """Of every cell tried, in order."""


def write_domains(  # noqa: PLR0913 - each says something else
    run: Run,
    folder: Path,
    count: int,
    *,
    seed: int = 0,
    topic: str | None = None,
    split: Split = "train",
    progress: Callable[[int, str], None] = lambda *_: None,
) -> Written:
    """Have domains written until there are `count`, or `TRIES` times as many cells were tried.

    Args:
        run: The open run.
        folder: Where the files NAME.json go, and quarantine.jsonl.
        count: How many.
        seed: Decides between equally filled cells.
        topic: What all are to be about; None for the sectors of the grid.
        split: What the domains may be used for.
        progress: Called with the number accepted and what is being done.

    Raises:
        EndpointError: If the endpoint fails for good.
        BudgetError: If a cap would be passed.
        KeyboardInterrupt: If a signal stopped it; the same call goes on.
    """
    written = Written()
    known = [outline(load_domain(name)) for name in domain_names()]
    cells: list[Cell] = []
    alike: dict[str, int] = {}
    while len(written.domains) < count and len(cells) < TRIES * count:
        cell = next_cell(cells, seed, topic)
        progress(len(written.domains), f"domain {len(cells) + 1}: {cell.sector}")
        names = [one.name for one in known]
        key = run.key(STAGE, VERSION, cell, names, split, len(cells))
        wish = _Wish(run, cell, names, known, alike.get(cell.sector, 0), split, len(cells))
        done = run.do({key: wish})[0]
        cells.append(cell)
        written.results.append(done)
        if done.status == ACCEPTED:
            found = outline(Domain.model_validate(done.value))
            alike[cell.sector] = alike.get(cell.sector, 0) + _is_alike(found, known)
            known.append(found)
            written.domains.append(done.value)
            write_whole(folder / f"{found.name}.json", _file(done.value))
    failed = [done.value for done in written.results if done.status != ACCEPTED]
    if failed:
        write_whole(folder / "quarantine.jsonl", b"".join(jsonio.dump_bytes(one) + b"\n" for one in failed))
    return written


def estimate(count: int) -> tuple[int, int]:
    """Return (tokens expected, tokens at most) for so many domains, all tries failing."""
    prompt = tokens_of(_asked(Cell("", "", ""), [])) + tokens_of(domain_form.schema())
    once = prompt + 5_000  # what a bundled domain takes in this form, and some more
    return 2 * once * count, TRIES * count * 9 * (2 * prompt + 2 * MAX_TOKENS)


def problems_of(form: dict[str, Any], names: Sequence[str], split: Split) -> list[Problem]:
    """Return what the domain checker finds wrong with a filled form, as places in it."""
    data = domain_form.domain_of(form, split)
    if data["name"] in names:
        return [Problem("/name", "name", shown(data["name"]), "a name that no other domain has")]
    twice = _twice(form)
    if twice:
        return twice
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{data['name']}.json"
        path.write_bytes(jsonio.dump_bytes(data))
        found = [problem for problem in examine(path) if problem.error]
    return [
        Problem(domain_form.place_in(form, problem.place, problem.rule), problem.rule, problem.place, problem.message)
        for problem in found
    ]


class _Wish:
    """One cell, to be filled."""

    def __init__(  # noqa: PLR0913, PLR0917 - everything the domain depends on
        self, run: Run, cell: Cell, names: list[str], known: list[Outline], alike: int, split: Split, number: int
    ) -> None:
        self._run, self._cell, self._names, self._known = run, cell, names, list(known)
        self._alike, self._split, self._number = alike, split, number

    def __call__(self, client: Client) -> Done:
        outcome = ask_json(
            client,
            _asked(self._cell, self._names),
            domain_form.schema(),
            stage=STAGE,
            version=VERSION,
            constraint=self._run.constraint,
            check=lambda form: problems_of(form, self._names, self._split),
            max_tokens=MAX_TOKENS,
            sample=self._number,
        )
        about = {"cell": self._cell._asdict()}
        if not outcome.is_good:
            reason = [problem._asdict() for problem in outcome.problems]
            return Done(QUARANTINED, {**about, "reason": reason, "texts": outcome.texts})
        data = domain_form.domain_of(outcome.value, self._split)
        reason_not = not_new(outline(Domain.model_validate(data)), self._known, self._alike)
        return Done(DUPLICATE, {**about, "reason": reason_not, "domain": data}) if reason_not else Done(ACCEPTED, data)


def _asked(cell: Cell, names: Sequence[str]) -> list[dict[str, Any]]:
    pools = ", ".join(domain_form.shared_pool_names())
    rules = _RULES.format(pools=pools, names=", ".join(names), **cell._asdict())
    return [{"role": "user", "content": rules}]


def _twice(form: dict[str, Any]) -> list[Problem]:
    """Return names that would be lost when lists become mappings."""
    lists = {"/entities": form["entities"], "/pools": form["pools"]}
    found = []
    for number, entity in enumerate(form["entities"]):
        here = f"/entities/{number}"
        lists[here] = [attribute for kind in domain_form.KINDS for attribute in entity[kind]]
        for state in entity["states"]:
            named = [one["before"] for one in state["transitions"]]
            if len(set(named)) < len(named):
                found.append(Problem(f"{here}/states/0/transitions", "twice", shown(named), "each value once"))
    for place, items in lists.items():
        names = [item["name"] for item in items]
        if len(set(names)) < len(names):
            found.append(Problem(place, "twice", shown(names), "names that differ"))
    return found


def _is_alike(found: Outline, known: Sequence[Outline]) -> bool:
    return any(likeness(found, other) >= ALIKE for other in known)


def _file(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
