"""The form in which a model writes a domain: flat, closed and bounded, so that any decoder can be held to it.

A domain file keys its entities and attributes by name and mixes the fields of all kinds of attributes. Here both are
lists, one for each kind of attribute, with just the fields of that kind. The fields and their types are those of
`tool_gym.generators.domain`; bounds of length and characters are added.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from tool_gym import units
from tool_gym.generators.domain import Attribute, Entity
from tool_gym.generators.domain_rules import MAX_DECIMALS
from tool_gym.generators.pools import Split, all_pools

KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "numbers": (
        ("integer", "number"),
        ("type", "noun", "forms", "low", "high", "decimals", "unit", "most", "least", "writable", "additive"),
    ),
    "dates": (("date",), ("noun", "forms", "low", "high", "most", "least")),
    "enums": (("enum",), ("noun", "forms", "values", "filter")),
    "texts": (("text",), ("noun", "forms", "pool")),
    "refs": (("ref",), ("entity", "noun", "forms", "children")),
    "states": (
        ("state",),
        ("noun", "forms", "values", "filter", "initial", "transitions", "cancel", "cancel_verb", "move"),
    ),
}
"""List → (types of the attributes in it, their fields)."""

MAX_ENTITIES, MAX_POOLS = 8, 6

_KEY = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,30}$", "maxLength": 31}
_WORDS = "^[A-Za-z0-9À-ž][A-Za-z0-9À-ž '’.\\-/_]*$"
_PART = "^[A-Za-z0-9À-ž\\-][A-Za-z0-9À-ž '’.\\-/]*$"
_FORM = "^[A-Za-z0-9À-ž{][A-Za-z0-9À-ž '’.,\\-/{}]*$"
_DATE = {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$", "maxLength": 10}
_NUMBER = {"type": "number", "minimum": -1e9, "maximum": 1e9}
_FORMS = frozenset({"forms", "filter", "children", "cancel_verb", "move"})
"""Fields in which slots such as {x} stand."""
_MOST = {"forms": 5, "values": 8, "filter": 4, "children": 5, "create": 4, "blocking": 6}
"""Field that is a list → most items."""


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of the form."""
    parts = _list(_closed(words=_list(_text(40, _PART), 60, 2)), 3, 1)
    pool = _closed(name=_KEY, join={"type": "string", "enum": [" ", "", "-"]}, parts=parts)
    return _closed(name=_KEY, title=_text(60), pools=_list(pool, MAX_POOLS), entities=_list(_entity(), MAX_ENTITIES, 4))


def domain_of(form: dict[str, Any], split: Split) -> dict[str, Any]:
    """Return a filled form as the data of a domain file."""
    pools = {
        pool["name"]: {"join": pool["join"], "parts": [part["words"] for part in pool["parts"]]}
        for pool in form["pools"]
    }
    entities = {entity["name"]: _unfolded(entity) for entity in form["entities"]}
    domain = {"name": form["name"], "title": form["title"], "split": split, "pools": pools, "entities": entities}
    return domain if pools else {key: value for key, value in domain.items() if key != "pools"}


def form_of(domain: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a domain file as the form that gives it."""
    pools = [
        {"name": name, "join": pool.get("join", " "), "parts": [{"words": list(words)} for words in pool["parts"]]}
        for name, pool in domain.get("pools", {}).items()
    ]
    entities = [_folded(name, entity) for name, entity in domain["entities"].items()]
    return {"name": domain["name"], "title": domain["title"], "pools": pools, "entities": entities}


def place_in(form: dict[str, Any], place: str, rule: str) -> str:
    """Return the JSON pointer, in the form, of what the checker calls `place`; "" for all of it."""
    first, _, rest = place.partition(".")
    if first == "pools":
        return next((f"/pools/{n}" for n, pool in enumerate(form["pools"]) if pool["name"] == rest), "/pools")
    if first in ("entities", "name", "title"):
        return f"/{first}"
    for number, entity in enumerate(form["entities"]):
        if entity["name"] == first:
            return _place_below(entity, f"/entities/{number}", rest, rule)
    return ""


def _place_below(entity: dict[str, Any], here: str, column: str, rule: str) -> str:
    for kind in KINDS:
        for number, attribute in enumerate(entity[kind]):
            if column == (f"{attribute['name']}_id" if kind == "refs" else attribute["name"]):
                there = f"{here}/{kind}/{number}"
                return f"{there}/{rule}" if rule in attribute else there
    return f"{here}/{rule}" if not column and rule in entity else here


def _entity() -> dict[str, Any]:
    own = Entity.model_json_schema()["properties"]
    kinds = {
        kind: _list(
            _closed(name=_KEY, **{name: _attribute(kind, name) for name in fields}), 1 if kind == "states" else 6
        )
        for kind, (_, fields) in KINDS.items()
    }
    booking = _closed(bookings=_KEY, ref=_KEY, date=_KEY, blocking=_list(_text(40), _MOST["blocking"], 1))
    return _closed(
        name=_KEY,
        noun=_text(40),
        plural=_text(40),
        prefix={"type": "string", "pattern": "^[A-Z]{2,4}$", "maxLength": 4},
        rows_low={"type": "integer", "minimum": 3, "maximum": 200},
        rows_high={"type": "integer", "minimum": 3, "maximum": 200},
        label_pool={"type": "string", "maxLength": 31, "description": "a pool, or empty where rows have codes"},
        label_suffix={"type": "string", "pattern": "^( [A-Za-z]+)*$", "maxLength": 30},
        label_code={"type": "string", "pattern": "^([A-Z]{2,5})?$", "maxLength": 5},
        creatable=_plain(own["creatable"]),
        create=_list(_text(60), _MOST["create"]),
        availability=_list(booking, 1),
        **kinds,
    )


def _attribute(kind: str, name: str) -> dict[str, Any]:
    """Return the schema of one field: its type is the model's, its bounds are ours."""
    bounded: dict[str, dict[str, Any]] = {
        "type": {"type": "string", "enum": list(KINDS[kind][0])},
        "low": _DATE if kind == "dates" else _NUMBER,
        "high": _DATE if kind == "dates" else _NUMBER,
        "decimals": {"type": "integer", "minimum": 0, "maximum": MAX_DECIMALS},
        "unit": {"type": "string", "enum": ["", *units.FACTORS, *units.WITHOUT_CONVERSION]},
        "transitions": _list(_closed(before=_text(40), after=_list(_text(40), 8)), 8, 1),
        "entity": _KEY,
        "pool": _KEY,
        "cancel": _text(40, f"^$|{_WORDS}"),
        "cancel_verb": _text(100, f"^$|{_FORM}"),
    }
    if name in bounded:
        return bounded[name]
    own, text = Attribute.model_json_schema()["properties"][name], _text(100, _FORM if name in _FORMS else _WORDS)
    if own.get("type") == "array":
        return _list(text, _MOST[name], 2 if name == "values" else 0)
    return _plain(own) if own.get("type") == "boolean" else text


def _unfolded(entity: dict[str, Any]) -> dict[str, Any]:
    label = {"code": entity["label_code"]} if entity["label_code"] else {"pool": entity["label_pool"]}
    if entity["label_suffix"] and "pool" in label:
        label["suffix"] = entity["label_suffix"]
    found = {name: entity[name] for name in ("noun", "plural", "prefix", "creatable")}
    found |= {"rows": [entity["rows_low"], entity["rows_high"]], "label": label}
    if entity["create"]:
        found["create"] = entity["create"]
    if entity["availability"]:
        found["availability"] = entity["availability"][0]
    attributes: dict[str, Any] = {}
    for kind, (types, _) in KINDS.items():
        for attribute in entity[kind]:
            given = {key: value for key, value in attribute.items() if key != "name" and value not in ("", [])}
            given.setdefault("type", types[0])
            if "transitions" in given:
                given["transitions"] = {one["before"]: one["after"] for one in given["transitions"]}
            attributes[attribute["name"]] = given
    return found | {"attributes": attributes}


def _folded(name: str, entity: dict[str, Any]) -> dict[str, Any]:
    label = entity["label"]
    found = {"name": name, **{key: entity[key] for key in ("noun", "plural", "prefix")}}
    found |= {"rows_low": entity["rows"][0], "rows_high": entity["rows"][1]}
    found |= {f"label_{key}": label.get(key) or "" for key in ("pool", "suffix", "code")}
    found |= {"creatable": entity.get("creatable", False), "create": list(entity.get("create", ()))}
    found |= {"availability": [entity["availability"]] if entity.get("availability") else []}
    for kind, (types, fields) in KINDS.items():
        found[kind] = [
            {"name": key, **{field: _given(attribute, field) for field in fields}}
            for key, attribute in entity["attributes"].items()
            if attribute["type"] in types
        ]
    return found


def _given(attribute: dict[str, Any], field: str) -> Any:
    if field == "transitions":
        return [{"before": before, "after": list(after)} for before, after in attribute[field].items()]
    empty: Any = [] if field in _MOST else ""
    default = Attribute.model_fields[field].default
    if field in ("writable", "additive", "decimals"):
        empty = default
    return attribute.get(field, empty)


def _text(most: int, pattern: str = _WORDS) -> dict[str, Any]:
    return {"type": "string", "minLength": 0 if pattern.startswith("^$") else 1, "maxLength": most, "pattern": pattern}


def _plain(own: dict[str, Any]) -> dict[str, Any]:
    return {"type": own["type"]}


def _list(items: dict[str, Any], most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def shared_pool_names() -> tuple[str, ...]:
    """Return the pools that every domain may draw from."""
    return tuple(all_pools())
