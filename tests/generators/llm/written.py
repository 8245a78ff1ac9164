"""What a well-behaved model writes: a small domain, of a kind that is not bundled."""

from __future__ import annotations

import json
from typing import Any

FIRST = [
    "Amber",
    "Brisk",
    "Clover",
    "Drowsy",
    "Eager",
    "Fuzzy",
    "Golden",
    "Heather",
    "Ivory",
    "Jolly",
    "Keen",
    "Linden",
]
SECOND = [
    "Swarm",
    "Colony",
    "Cluster",
    "Brood",
    "Skep",
    "Comb",
    "Drone",
    "Queen",
    "Nectar",
    "Meadow",
    "Thicket",
    "Bloom",
]


PROBED = '{"colour": "teal", "size": 7, "words": ["calm", "sea"]}'
"""The answer to a probe."""


def number(name: str, noun: str, forms: list[str], low: float, high: float, **more: Any) -> dict[str, Any]:
    given = {"type": "integer", "decimals": 0, "unit": "", "most": "highest", "least": "lowest"}
    given |= {"writable": False, "additive": True}
    return {"name": name, "noun": noun, "forms": forms, "low": low, "high": high, **given, **more}


def date(name: str, noun: str, forms: list[str], low: str, high: str) -> dict[str, Any]:
    return {"name": name, "noun": noun, "forms": forms, "low": low, "high": high, "most": "latest", "least": "earliest"}


def ref(name: str, entity: str, noun: str, forms: list[str], children: list[str]) -> dict[str, Any]:
    return {"name": name, "entity": entity, "noun": noun, "forms": forms, "children": children}


def entity(name: str, noun: str, plural: str, prefix: str, rows: tuple[int, int], **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"label_pool": "", "label_suffix": "", "label_code": "", "creatable": False, "create": []}
    empty |= {"availability": [], "numbers": [], "dates": [], "enums": [], "texts": [], "refs": [], "states": []}
    first = {"name": name, "noun": noun, "plural": plural, "prefix": prefix, "rows_low": rows[0], "rows_high": rows[1]}
    return {**first, **empty, **more}


KEEPER = entity(
    "keeper",
    "beekeeper",
    "beekeepers",
    "BK",
    (7, 9),
    label_pool="person",
    numbers=[
        number(
            "years_kept",
            "beekeeping experience",
            ["the beekeeping experience of {x}", "the years {x} has kept bees", "the time {x} has spent with bees"],
            1,
            4000,
            most="longest",
            least="shortest",
            writable=True,
        )
    ],
    texts=[
        {
            "name": "village",
            "noun": "village",
            "forms": ["the village of {x}", "the village {x} lives in", "the place {x} calls home"],
            "pool": "city",
        }
    ],
)
APIARY = entity(
    "apiary",
    "apiary",
    "apiaries",
    "AP",
    (8, 10),
    label_pool="place",
    label_suffix=" Apiary",
    numbers=[
        number(
            "fence_length",
            "fence length",
            ["the fence length of {x}", "the length of the fence around {x}", "the distance the fence of {x} runs"],
            20,
            900,
            type="number",
            decimals=1,
            unit="m",
            most="longest",
            least="shortest",
        )
    ],
    dates=[
        date(
            "opened_on",
            "opening date",
            ["the opening date of {x}", "the day {x} was set up", "the date of the first hive at {x}"],
            "1980-01-01",
            "2024-06-30",
        )
    ],
    refs=[
        ref(
            "keeper",
            "keeper",
            "keeper",
            ["the keeper of {x}", "the beekeeper in charge of {x}", "the beekeeper who tends {x}"],
            ["tended by {x}", "in the care of {x}", "looked after by {x}"],
        )
    ],
)
HIVE = entity(
    "hive",
    "hive",
    "hives",
    "HV",
    (40, 48),
    label_pool="colony",
    numbers=[
        number(
            "honey_yield",
            "honey yield",
            ["the honey yield of {x}", "the weight of honey taken from {x}", "the honey {x} gave last season"],
            2,
            90,
            type="number",
            decimals=2,
            unit="kg",
            writable=True,
        ),
        number(
            "frame_count",
            "number of frames",
            ["the number of frames of {x}", "the count of frames in {x}", "the tally of frames {x} holds"],
            10,
            4000,
            most="largest",
            least="smallest",
        ),
    ],
    enums=[
        {
            "name": "breed",
            "noun": "breed",
            "forms": ["the breed of {x}", "the kind of bee in {x}", "the race of bees living in {x}"],
            "values": ["carniolan", "buckfast", "ligurian", "caucasian"],
            "filter": ["{value} {plural}", "{plural} with {value} bees"],
        }
    ],
    refs=[
        ref(
            "apiary",
            "apiary",
            "apiary",
            ["the apiary of {x}", "the apiary {x} stands at", "the apiary housing {x}"],
            ["standing at {x}", "housed at {x}", "kept at {x}"],
        )
    ],
)
INSPECTION = entity(
    "inspection",
    "inspection",
    "inspections",
    "IN",
    (50, 60),
    label_code="INS",
    creatable=True,
    create=["schedule an inspection", "set up an inspection"],
    numbers=[
        number(
            "mite_count",
            "mite count",
            ["the mite count of {x}", "the number of mites found in {x}", "the mites counted during {x}"],
            0,
            5000,
            writable=True,
        )
    ],
    dates=[
        date(
            "planned_for",
            "inspection date",
            ["the inspection date of {x}", "the day {x} is planned for", "the date set for {x}"],
            "2024-01-01",
            "2026-12-31",
        )
    ],
    refs=[
        ref(
            "hive",
            "hive",
            "hive",
            ["the hive of {x}", "the hive {x} concerns", "the hive examined in {x}"],
            ["of {x}", "concerning {x}", "carried out on {x}"],
        )
    ],
    states=[
        {
            "name": "status",
            "noun": "status",
            "forms": ["the status of {x}", "the state {x} is in", "the stage {x} has reached"],
            "values": ["planned", "begun", "finished", "dropped"],
            "filter": ["{value} {plural}", "{plural} with the status {value}"],
            "initial": "planned",
            "transitions": [
                {"before": "planned", "after": ["begun", "dropped"]},
                {"before": "begun", "after": ["finished", "dropped"]},
                {"before": "finished", "after": []},
                {"before": "dropped", "after": []},
            ],
            "cancel": "dropped",
            "cancel_verb": "drop {x}",
            "move": "set the status of {x} to {value}",
        }
    ],
)
BEEKEEPING: dict[str, Any] = {
    "name": "beekeeping",
    "title": "beekeeping",
    "pools": [{"name": "colony", "join": " ", "parts": [{"words": FIRST}, {"words": SECOND}]}],
    "entities": [KEEPER, APIARY, HIVE, INSPECTION],
}
"""A domain as a filled form."""


def said(body: dict[str, Any]) -> str:
    """All that a request says."""
    return "\n".join(message["content"] for message in body["messages"])


def probed(body: dict[str, Any]) -> str | None:
    """The answer to a probe; None if the request is none."""
    return PROBED if "colour" in said(body) else None


def patch(right: Any, order: str) -> str:
    """A patch that puts right what an order names, given the right answer."""
    told = json.loads(order.partition("\n")[2].partition("\n")[0])
    operations = []
    for path in dict.fromkeys(problem["path"] for problem in told if not problem["rule"].startswith("patch")):
        value, parts = right, path.split("/")[1:]
        try:
            for part in parts:
                value = value[int(part)] if isinstance(value, list) else value[part]
        except LookupError:
            operations.append({"op": "remove", "path": path})
            continue
        op = "replace" if parts and parts[-1].isdigit() else "add"
        operations.append({"op": op, "path": path, "value": value})
    return json.dumps({"patch": operations})


def a_domain(body: dict[str, Any]) -> str:
    """What the fake endpoint answers to requests for domains."""
    if "JSON Patch (RFC 6902)" in body["messages"][-1]["content"]:
        return patch(BEEKEEPING, body["messages"][-1]["content"])
    return probed(body) or json.dumps(BEEKEEPING)
