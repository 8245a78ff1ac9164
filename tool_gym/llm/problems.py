"""What is wrong with an answer, in a form that can be sent back: where, which rule, what came, what was wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import jsonschema_rs

from tool_gym import jsonio

MOST = 20
"""Most problems that are told at a time."""

_SHOWN = 160


class Problem(NamedTuple):
    """One thing wrong with an answer."""

    path: str
    """JSON pointer; "" for the whole answer."""
    rule: str
    got: str
    want: str


Check: TypeAlias = Callable[[Any], Sequence[Problem]]
"""Says what else is wrong with an answer that fits its schema."""


def schema_problems(schema: dict[str, Any], value: Any) -> list[Problem]:
    """Return where a value does not fit a schema, at most `MOST` places; [] if it does."""
    found: dict[Problem, None] = {}
    for error in islice(_validator(jsonio.dumps(schema)).iter_errors(value), 4 * MOST):
        for problem in _problems(error):
            found[problem] = None
    return list(found)[:MOST]


def shown(value: Any) -> str:
    """Return a value as short JSON text."""
    text = jsonio.clean_text(jsonio.dumps(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def pointer(*parts: str | int) -> str:
    """Return a JSON pointer (RFC 6901).

    >>> pointer("a/b", 0)
    '/a~1b/0'
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _problems(error: jsonschema_rs.ValidationError) -> list[Problem]:
    kind, path = error.kind, pointer(*error.instance_path)
    rule, wanted = kind.name, kind.value
    if rule == "required":
        return [Problem(path + pointer(str(wanted)), "missing", "nothing", "a value of the schema")]
    if rule == "additionalProperties":
        return [
            Problem(path + pointer(str(name)), "unknown field", str(name)[:_SHOWN], "no such field") for name in wanted
        ]
    return [Problem(path, rule, shown(error.instance), shown(wanted))]


@lru_cache(maxsize=256)
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(jsonio.loads(schema), validate_formats=False, offline=True)
