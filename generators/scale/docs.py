"""Worn documentation, after ToolSandbox's list: shortened, vague, left out. Oracle-preserving.

Levels: 1 shortens; 2 also leaves out descriptions of parameters; 3 also of tools, and puts vague words for kinds of
values; 4 does all of it more often. What the names alone no longer tell, units, forms and values that must be given
are never left out: every tool and parameter stays identifiable, which gate G12 proves.
"""

from __future__ import annotations

import random
import re

from tool_gym import units
from tool_gym.generators.calls import template
from tool_gym.generators.scale.editing import described
from tool_gym.generators.scale.interning import interned
from tool_gym.generators.seeding import stream
from tool_gym.scenario import ToolSpec
from tool_gym.tools.codecs import Quantity

SHORTENED = (0.0, 0.5, 0.6, 0.7, 0.8)
"""Share of the descriptions that lose all but their first clause, by level."""

DROPPED_PARAMETERS = (0.0, 0.0, 0.3, 0.5, 0.8)
DROPPED_TOOLS = (0.0, 0.0, 0.0, 0.25, 0.5)
"""Shares of the descriptions that are left out where the name still tells, by level."""

VAGUE = (0.0, 0.0, 0.0, 0.4, 0.7)
"""Share of the descriptions whose words for kinds of values are made vague, by level."""

VAGUE_WORDS = {
    "id": "index",
    "ids": "indexes",
    "field": "column",
    "number": "figure",
    "date": "day",
    "record": "row",
    "records": "rows",
    "name": "label",
    "names": "labels",
}
"""Word for a kind of value → a vaguer one that takes the same article."""

_CLAUSE = re.compile(r"[.;:(]|, ")
_WORD = re.compile(r"[\w²%$-]+")
_VAGUE = re.compile(rf"(?<![\w-])({'|'.join(VAGUE_WORDS)})(?![\w-])", re.IGNORECASE)
_MEASURES = frozenset({*units.FACTORS, *units.WITHOUT_CONVERSION, "YYYY-MM-DD"})


def wear_documents(tool: ToolSpec, origin: ToolSpec, level: int, variant: int) -> ToolSpec:
    """Return a tool whose document says less.

    Args:
        tool: The tool, its names perturbed already.
        origin: The tool as it was documented: a name that is no longer the same needs its description.
        level: 0 to 4.
        variant: Which of the ways.
    """
    if level == 0:
        return tool
    key = ("docs", level, variant, origin.name)
    return interned(tool, key, lambda: _wear(tool, origin, level, variant))


def _wear(tool: ToolSpec, origin: ToolSpec, level: int, variant: int) -> ToolSpec:
    rng = stream("docs", origin.name, level, variant)
    impl, known = template(tool), origin.parameters["properties"]
    telling = [
        name
        for name in tool.parameters["properties"]
        if name in known and impl.renames.get(name, name) == template(origin).renames.get(name, name)
    ]
    texts = {}
    for name, schema in tool.parameters["properties"].items():
        kept = name in impl.expected or isinstance(impl.codecs.get(name), Quantity)
        if "description" in schema and not kept:
            tells = name in telling or name in impl.inert
            texts[name] = _worn(schema["description"], DROPPED_PARAMETERS, level, rng, tells=tells)
    text = _worn(tool.description, DROPPED_TOOLS, level, rng, tells=tool.name == origin.name)
    return described(tool, text, texts)


def _worn(text: str, shares: tuple[float, ...], level: int, rng: random.Random, *, tells: bool) -> str:
    """Return a description worn down; `tells` is whether the name still says what it says."""
    dropped, shortened, vague = (rng.random() < share for share in (shares[level], SHORTENED[level], VAGUE[level]))
    measures = _MEASURES.intersection(_WORD.findall(text))
    if dropped and tells and not measures:
        return ""
    if shortened and tells:
        short = _CLAUSE.split(text, maxsplit=1)[0].strip()
        if len(short.split()) > 1 and measures <= set(_WORD.findall(short)):
            text = short
    return _VAGUE.sub(lambda match: VAGUE_WORDS[match[0].lower()], text) if vague else text
