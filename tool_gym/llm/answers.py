"""Answers that are JSON of a schema: asked for as strictly as the endpoint can, and checked here in any case.

What is wrong with an answer is sent back, and a JSON Patch of just these places asked for; an answer that cannot be
mended so is drawn anew. Both within bounds: what stays wrong is given up, and the best of several failures never kept.

The model's text is data: it is parsed, measured and checked, and never executed, formatted or believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tool_gym import jsonio
from tool_gym.errors import EndpointError
from tool_gym.llm import patches
from tool_gym.llm.cache import NotRecordedError
from tool_gym.llm.client import Client, Completion
from tool_gym.llm.problems import MOST, Check, Problem, schema_problems, shown
from tool_gym.llm.transport import RefusedError

Constraint: TypeAlias = Literal["json_schema", "structured_outputs", "guided_json", "json_object", "text"]
"""How an endpoint is held to a schema, the strictest first."""

CONSTRAINTS: tuple[Constraint, ...] = ("json_schema", "structured_outputs", "guided_json", "json_object", "text")

MAX_TEXT = 200_000
"""Longest answer that is parsed, in characters."""

MAX_MENDED = 40_000
"""Longest text in which broken JSON is mended."""

PATCHES, SAMPLES = 2, 3
"""Patches of one answer, and answers, before it is given up."""

_PROBE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": ["teal"]},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "words": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["colour", "size", "words"],
    "additionalProperties": False,
}
"""With every keyword that schemas are written with here, `_CHECKED_HERE` apart."""

_CHECKED_HERE = ("minLength", "maxLength")
"""Keywords that not every endpoint takes in a strict schema; `max_tokens` bounds what they would."""

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


@dataclass
class Outcome:
    """What came of asking."""

    value: Any = None
    """The answer; None where it was given up."""
    problems: list[Problem] = field(default_factory=list)
    """What was wrong at last."""
    texts: list[str] = field(default_factory=list)
    """How each answer that was given up ended, in order."""
    repairs: int = 0

    @property
    def is_good(self) -> bool:
        """Whether there is an answer that passed every check."""
        return self.value is not None


def probe(client: Client) -> Constraint:
    """Return the strictest way this endpoint can be held to a schema, found out by asking for a word.

    Raises:
        EndpointError: If it does not answer at all.
    """
    problem: EndpointError | None = None
    for constraint in CONSTRAINTS:
        wish = 'Answer with exactly this JSON: {"colour": "teal", "size": 7, "words": ["calm", "sea"]}'
        request = [{"role": "user", "content": wish}]
        try:
            options = constrained(constraint, _PROBE)
            said = client.complete(request, stage="probe", max_tokens=64, temperature=0, **options)
        except EndpointError as error:
            problem = error
            continue
        if not schema_problems(_PROBE, parse(said.text)):
            return constraint
    if problem is not None:
        raise problem
    return "text"


def constrained(constraint: Constraint, schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """Return the fields of a request that hold the answer to a schema; `strict` schemas have no open places."""
    if constraint == "json_schema":
        named = {"name": "answer", "strict": strict, "schema": _without_lengths(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if constraint == "structured_outputs":
        return {"structured_outputs": {"json": schema}}
    if constraint == "guided_json":
        return {"guided_json": schema}
    return {"response_format": {"type": "json_object"}} if constraint == "json_object" else {}


def parse(text: str) -> Any:
    """Return the JSON value in a model's text, mended where that is beyond doubt; None if there is none."""
    text = text[:MAX_TEXT].strip()
    for candidate in (text, *_FENCED.findall(text), _between(text)):
        try:
            value = jsonio.loads(candidate)
            jsonio.check_plain(value)
        except (ValueError, RecursionError):
            continue
        return value
    return _mended(text)


def ask_json(  # noqa: PLR0913 - each says something else
    client: Client,
    messages: Sequence[dict[str, Any]],
    schema: dict[str, Any],
    *,
    stage: str,
    version: str,
    constraint: Constraint,
    check: Check = lambda _: (),
    max_tokens: int = 4096,
    temperature: float = 1.0,
    sample: int = 0,
) -> Outcome:
    """Ask for JSON of a schema; have it patched at most `PATCHES` times, drawn anew at most `SAMPLES` times.

    Args:
        client: Who is asked.
        messages: The conversation; the schema need not be in it.
        schema: What the answer must fit.
        stage: What the ledger notes it under.
        version: Version of the prompt; part of the cache's key.
        constraint: How the endpoint is held to the schema; see `probe`.
        check: Says what else is wrong.
        max_tokens: Longest answer, in tokens.
        temperature: Of the draws; repairs are drawn at 0.
        sample: Number of the first draw.

    Raises:
        EndpointError: If the endpoint fails for good.
        BudgetError: If a cap could be passed.
    """
    outcome = Outcome()
    asked = [
        *messages,
        {"role": "user", "content": f"Answer with one JSON object of this schema:\n{jsonio.dumps(schema)}"},
    ]
    options: dict[str, Any] = {"stage": stage, "version": version, "max_tokens": max_tokens}
    for number in range(SAMPLES):
        draw = {"sample": SAMPLES * sample + number, "temperature": temperature, **options}
        said = _complete(client, asked, constraint, schema, strict=True, **draw)
        value, problems = _judge(said, schema, check)
        for _ in range(PATCHES):
            if not problems or value is None:
                break
            client.waste(stage, problems[0].rule, said.tokens)
            orders = [*asked, *_repair(value, problems)]
            said = _complete(client, orders, constraint, patches.SCHEMA, strict=False, temperature=0, **options)
            outcome.repairs += 1
            value, problems = _patched(value, problems, said, schema, check)
        if not problems:
            outcome.value, outcome.problems = value, []
            return outcome
        client.waste(stage, problems[0].rule, said.tokens)
        outcome.problems = problems
        outcome.texts.append(said.text)
    return outcome


def _complete(
    client: Client,
    messages: Sequence[dict[str, Any]],
    constraint: Constraint,
    schema: dict[str, Any],
    *,
    strict: bool,
    **options: Any,
) -> Completion:
    """Ask for an answer of a schema; less strictly where the endpoint will not have this one, large as it may be."""
    *stricter, last = CONSTRAINTS[CONSTRAINTS.index(constraint) :]
    for one in stricter:
        with suppress(RefusedError, NotRecordedError):
            return client.complete(messages, **options, **constrained(one, schema, strict=strict))
    return client.complete(messages, **options, **constrained(last, schema, strict=strict))


def _without_lengths(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_lengths(item) for key, item in schema.items() if key not in _CHECKED_HERE}
    return [_without_lengths(item) for item in schema] if isinstance(schema, list) else schema


def _judge(said: Completion, schema: dict[str, Any], check: Check) -> tuple[Any, list[Problem]]:
    """Return an answer's value, None if there is none, and what is wrong with it."""
    if said.finish == "length":
        return None, [Problem("", "truncated", f"{len(said.text)} characters", "a whole answer")]
    if said.finish == "content_filter" or said.message.get("refusal"):
        return None, [Problem("", "refused", said.text[:80], "an answer")]
    value = parse(said.text)
    if not isinstance(value, dict):
        return None, [Problem("", "no JSON", said.text[:80], "one JSON object")]
    return value, _wrong(value, schema, check)


def _wrong(value: Any, schema: dict[str, Any], check: Check) -> list[Problem]:
    return schema_problems(schema, value) or list(check(value))[:MOST]


def _patched(
    value: Any, problems: list[Problem], said: Completion, schema: dict[str, Any], check: Check
) -> tuple[Any, list[Problem]]:
    """Return the value with the patch in an answer applied, and what is wrong with it then."""
    patch, wrong = _judge(said, patches.SCHEMA, lambda _: ())
    if wrong:
        return value, [*problems, Problem("", f"patch: {wrong[0].rule}", wrong[0].got, wrong[0].want)][:MOST]
    try:
        value = patches.apply(value, patch["patch"], _places(problems))
        jsonio.check_plain(value)
    except (patches.PatchError, ValueError) as error:
        return value, [*problems[: MOST - 1], Problem("", "patch", shown(patch), str(error)[:300])]
    return value, _wrong(value, schema, check)


def _places(problems: Sequence[Problem]) -> list[str]:
    """Return what a patch may touch; what is wrong with a patch names no place."""
    return list(dict.fromkeys(problem.path for problem in problems if not problem.rule.startswith("patch")))


def _repair(value: Any, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    told = jsonio.dumps([problem._asdict() for problem in problems])
    order = (
        f"This is wrong with it:\n{told}\nAnswer with a JSON Patch (RFC 6902) that mends it, as "
        '{"patch": [{"op": "replace", "path": "/a/0", "value": "b"}]}; the operations are add, replace and remove. '
        "Touch nothing but the paths named above and what lies below them."
    )
    return [{"role": "assistant", "content": jsonio.dumps(value)}, {"role": "user", "content": order}]


def _between(text: str) -> str:
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1]


def _mended(text: str) -> Any:
    """Mend JSON with json-repair, where it is installed and there is something that looks like a whole object.

    What was cut short is not mended: the last of its texts would seem whole.
    """
    if "{" not in text or len(text) > MAX_MENDED or not text.rstrip("` \n").endswith("}"):
        return None
    try:
        from json_repair import repair_json
    except ImportError:
        return None
    try:
        found = repair_json(text[text.find("{") :], return_objects=True)
        jsonio.check_plain(found)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found else None
