"""Answers that are JSON of a schema: asked for as strictly as the endpoint can, and checked here in any case.

A wrong answer is repaired within bounds and else given up; the best of several failures is never kept.

The model's text is data: it is parsed, measured and checked, and never executed, formatted or believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from tool_gym import jsonio
from tool_gym.errors import EndpointError
from tool_gym.llm.client import Client, Completion
from tool_gym.validation import ArgumentValidator

Constraint: TypeAlias = Literal["json_schema", "structured_outputs", "guided_json", "json_object", "text"]
"""How an endpoint is held to a schema, the strictest first."""

CONSTRAINTS: tuple[Constraint, ...] = ("json_schema", "structured_outputs", "guided_json", "json_object", "text")

MAX_TEXT = 200_000
"""Longest answer that is parsed, in characters."""

PATCHES, SAMPLES = 2, 3
"""Repairs of one answer, and answers, before it is given up."""

_PROBE = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["teal"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


class Problem(NamedTuple):
    """What is wrong with an answer, in a form that can be sent back."""

    path: str
    """JSON pointer."""
    rule: str
    got: str
    want: str


Check: TypeAlias = Callable[[Any], Sequence[Problem]]
"""Says what else is wrong with an answer that fits its schema."""


@dataclass
class Outcome:
    """What came of asking."""

    value: Any = None
    """The answer; None where it was given up."""
    problems: list[Problem] = field(default_factory=list)
    """What was wrong at last."""
    texts: list[str] = field(default_factory=list)
    """What the model said, in order."""
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
        request = [{"role": "user", "content": 'Answer with exactly this JSON: {"colour": "teal"}'}]
        try:
            options = constrained(constraint, _PROBE)
            said = client.complete(request, stage="probe", max_tokens=64, temperature=0, **options)
        except EndpointError as error:
            problem = error
            continue
        if ArgumentValidator.of(_PROBE).is_valid(parse(said.text)):
            return constraint
    if problem is not None:
        raise problem
    return "text"


def constrained(constraint: Constraint, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that hold the answer to a schema."""
    if constraint == "json_schema":
        named = {"name": "answer", "strict": True, "schema": schema}
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
            return jsonio.loads(candidate)
        except ValueError:
            continue
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
    """Ask for JSON of a schema; have it repaired at most `PATCHES` times, drawn anew at most `SAMPLES` times.

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
    options = {"stage": stage, "version": version, "max_tokens": max_tokens, **constrained(constraint, schema)}
    for number in range(SAMPLES):
        said = client.complete(asked, sample=SAMPLES * sample + number, temperature=temperature, **options)
        value, problems = _judge(said, schema, check)
        for _ in range(PATCHES):
            outcome.texts.append(said.text)
            if not problems:
                break
            client.ledger.waste(stage, problems[0].rule, said.tokens)
            if value is None:
                break  # nothing to mend
            said = client.complete(_repair(asked, said, problems), temperature=0, **options)
            outcome.repairs += 1
            value, problems = _judge(said, schema, check)
        if not problems:
            outcome.value, outcome.problems = value, []
            return outcome
        outcome.problems = problems
    return outcome


def _judge(said: Completion, schema: dict[str, Any], check: Check) -> tuple[Any, list[Problem]]:
    """Return an answer's value, None if there is none, and what is wrong with it."""
    if said.finish == "length":
        return None, [Problem("", "truncated", f"{len(said.text)} characters", "a whole answer")]
    if said.finish == "content_filter" or said.message.get("refusal"):
        return None, [Problem("", "refused", said.text[:80], "an answer")]
    value = parse(said.text)
    if value is None:
        return None, [Problem("", "no JSON", said.text[:80], "one JSON object")]
    wrong = ArgumentValidator.of(schema).explain(value)
    if wrong is not None:
        return value, [Problem("", "schema", wrong[:400], "JSON of the schema")]
    return value, list(check(value))


def _repair(asked: Sequence[dict[str, Any]], said: Completion, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    told = jsonio.dumps([problem._asdict() for problem in problems[:12]])
    order = f"This is wrong with it:\n{told}\nAnswer with the whole object again; change nothing else."
    return [*asked, {"role": "assistant", "content": said.text[:MAX_TEXT]}, {"role": "user", "content": order}]


def _between(text: str) -> str:
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1]


def _mended(text: str) -> Any:
    """Mend JSON with json-repair, where it is installed and there is something that looks like an object."""
    if "{" not in text:
        return None
    try:
        from json_repair import repair_json
    except ImportError:
        return None
    found = repair_json(text[text.find("{") :], return_objects=True)
    return found if isinstance(found, dict) and found else None
