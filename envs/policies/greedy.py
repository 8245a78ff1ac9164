"""A lexical planner: it calls the tools whose words the request has, and knows nothing of what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any, NamedTuple

from tool_gym import jsonio
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies.lexical import Mention, abbreviates, looks_like_id, mentions, stem, words
from tool_gym.trajectory import Step
from tool_gym.turns import Outcome, ToolCall, Turn
from tool_gym.values import leaves

MAX_CALLS = 8
"""Calls made for one request at most."""

WORTH = 1.0
"""Score below which a call is not made."""

_SYNONYMS = {
    "descending": "highest largest longest latest most maximum biggest greatest newest recent top",
    "ascending": "lowest smallest shortest earliest least minimum fewest oldest cheapest",
    "maximum": "highest largest longest most biggest greatest top",
    "minimum": "lowest smallest shortest least fewest cheapest",
    "average": "mean",
    "sum": "total combined overall summed",
    "count": "many number",
    "create": "new add enter open register book",
    "update": "set change adjust raise",
    "cancel": "call",
    "set": "move mark change switch put",
}
"""Word of a tool → words of requests that mean it."""

_SAID = {stem(word): frozenset(map(stem, (word, *said.split()))) for word, said in _SYNONYMS.items()}
_WRITES = ("create", "update", "cancel", "set", "delete", "remove", "add", "book", "move")


class _Known(NamedTuple):
    """A value an earlier result served, or the request names."""

    value: Any
    key: str = ""
    """The result's key; empty for the request's own."""
    age: int = 0
    """The number of the call that served it, from 1; 0 for the request."""


class _Tool(NamedTuple):
    name: str
    parameters: dict[str, dict[str, Any]]
    required: frozenset[str]
    named: frozenset[str]
    """Stems of the name."""
    stems: frozenset[str]
    """Stems of name and description."""


class _Candidate(NamedTuple):
    score: float
    call: ToolCall
    stems: frozenset[str]


class GreedyLexicalPolicy:
    """Makes the best-looking call until none looks worth it, then answers with what was served last.

    It reads what a model reads. Deterministic: it draws nothing.
    """

    name = "greedy"

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Forget the episode before; neither argument is looked at."""
        del env, seed
        self._plan: _Plan | None = None

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        """Return the next call, or the answer."""
        del observation
        step: Step | None = info.get("step")
        if self._plan is None:
            self._plan = _Plan(str(info["messages"][0]["content"]), info["tools"])
        elif step is not None and step.turn.calls:
            self._plan.take(step)
        elif step is not None:
            self._plan.go_on(step.reply)
        return self._plan.turn()


class _Plan:
    """What is known so far, and what to do next."""

    def __init__(self, text: str, tools: Sequence[dict[str, Any]]) -> None:
        self._tools = [_read(tool["function"]) for tool in tools]
        counts = Counter(one for tool in self._tools for one in tool.stems | _enum_stems(tool))
        self._weight = {one: 1 / sqrt(count) for one, count in counts.items()}
        self._known: list[_Known] = []
        self._results: list[tuple[ToolCall, Any]] = []
        self._tried: set[str] = set()
        self._begin(text)

    def go_on(self, text: str) -> None:
        """Take in what the user says next."""
        self._begin(text)

    def take(self, step: Step) -> None:
        """Take in the result of a call."""
        call, result = step.turn.calls[0], step.results[0]
        if result.outcome is Outcome.TRANSIENT_FAULT and isinstance(call, ToolCall):
            self._tried.discard(_key(call))
        elif result.ok and isinstance(call, ToolCall):
            self._results.append((call, result.value))
            self._spent.update(str(value) for value in call.arguments.values())
            for key, value in _scalars(result.value):
                self._known.append(_Known(value, key, len(self._results)))
            self._done = self._done or _verb(call.name) in _WRITES

    def turn(self) -> Turn:
        """Return the best call, or what is said when none is worth it."""
        best = max(self._candidates(), key=lambda one: one.score, default=None)
        if self._done or self._calls >= MAX_CALLS or best is None or best.score < WORTH:
            return Turn(self._answer())
        self._calls += 1
        self._tried.add(_key(best.call))
        self._covered |= best.stems
        return Turn(calls=(best.call,))

    def _begin(self, text: str) -> None:
        self._text = text
        self._stems = frozenset(words(text))
        self._mentions = mentions(text)
        self._covered: frozenset[str] = frozenset()
        self._spent: set[str] = set()
        self._first = len(self._results)
        self._calls = 0
        self._done = False

    def _candidates(self) -> Iterator[_Candidate]:
        for tool in self._tools:
            verb = stem(_verb(tool.name))
            if _verb(tool.name) in _WRITES and not self._says(verb):
                continue
            for arguments, bonus, stems in self._fillings(tool):
                call = ToolCall(tool.name, arguments)
                if _key(call) not in self._tried:
                    yield _Candidate(self._score(tool, stems) + bonus, call, tool.stems | stems)

    def _score(self, tool: _Tool, chosen: frozenset[str]) -> float:
        score = 0.0
        for one in tool.stems | chosen:
            weight = self._weight.get(one, 1.0)
            if self._says(one):
                score += weight * (0.3 if one in self._covered else 1.0)
            elif one in tool.named or one in chosen:
                score -= 0.4 * weight
        return score

    def _says(self, one: str) -> bool:
        return one in self._stems or bool(_SAID.get(one, frozenset()) & self._stems)

    # --- arguments

    def _fillings(self, tool: _Tool) -> Iterator[tuple[dict[str, Any], float, frozenset[str]]]:
        """Yield ways to fill a tool's parameters: arguments, what speaks for them, the stems they add."""
        fixed: dict[str, Any] = {}
        bonus, stems = 0.0, frozenset[str]()
        keys = []
        for name, schema in tool.parameters.items():
            required = name in tool.required
            if "enum" in schema:
                value, gain = self._choice(schema["enum"], required=required)
                if value is not None:
                    fixed[name] = value
                    stems |= frozenset(words(str(value)))
                    bonus += gain
            elif required:
                keys.append(name)
        if not keys:
            yield fixed, bonus, stems
        elif len(keys) == 1:
            for known, gain in self._options(tool, keys[0]):
                yield {keys[0]: known, **fixed}, bonus + gain, stems
        else:
            filled = self._fill_distinct(tool, keys)
            if filled is not None:
                yield {**filled[0], **fixed}, bonus + filled[1], stems

    def _choice(self, values: Sequence[Any], *, required: bool) -> tuple[Any, float]:
        """Return the value of a closed list that the request has the most words of, and a penalty for a guess."""
        scored = []
        for value in values:
            stems = words(str(value))
            said = [one for one in stems if self._says(one)]
            fresh = sum(self._weight.get(one, 1.0) * (0.3 if one in self._covered else 1.0) for one in said)
            scored.append(fresh + 0.01 * len(said) - 0.2 * (len(stems) - len(said)))
        best = max(range(len(values)), key=scored.__getitem__, default=0)
        if not values or (not required and scored[best] < 0.2):
            return None, 0.0
        return values[best], 0.0 if scored[best] > 0 else -0.6

    def _fill_distinct(self, tool: _Tool, keys: list[str]) -> tuple[dict[str, Any], float] | None:
        arguments: dict[str, Any] = {}
        bonus = 0.0
        for name in keys:
            options = [(v, gain) for v, gain in self._options(tool, name) if v not in arguments.values()]
            if not options:
                return None
            arguments[name], gain = max(options, key=lambda option: option[1])
            bonus += gain / len(keys)
        return arguments, bonus

    def _options(self, tool: _Tool, name: str) -> Iterator[tuple[Any, float]]:
        """Yield values for a parameter, each with what speaks for it."""
        schema = tool.parameters[name]
        kind, stems = _kind_of(name, schema), frozenset(words(name)) - {"id"}
        for mention in self._mentions:
            value = _read_as(kind, mention)
            if value is not None:
                nearness = self._nearness(mention, stems if kind in ("number", "date") else tool.named)
                if kind != "id" or _fits(mention.text, stems or tool.stems):
                    yield value, nearness + self._freshness(value, 0)
        for known in self._known:
            if kind == "id" and looks_like_id(known.value) and _fits(known.value, stems or tool.stems):
                same_key = 0.3 if known.key == name else 0.0
                yield known.value, same_key + self._freshness(known.value, known.age)
            elif (kind == "number" and type(known.value) in (int, float)) or (
                kind == "date" and isinstance(known.value, str) and len(known.value) == 10 and known.value[4:5] == "-"
            ):
                yield known.value, 0.2 + self._freshness(known.value, known.age)

    def _freshness(self, value: Any, age: int) -> float:
        if str(value) in self._spent:
            return -0.5
        return 0.8 if age in (0, len(self._results)) else 0.4

    def _nearness(self, mention: Mention, stems: frozenset[str]) -> float:
        """Return how much the words around a mention speak for a tool or parameter of these stems."""
        before = self._text[max(0, mention.start - 40) : mention.start]
        end = mention.start + len(mention.text)
        after = self._text[end : end + 20]
        if stems & frozenset(words(before)[-3:]):
            return 0.8
        return 0.4 if stems & frozenset(words(after)) else -0.4

    # --- answers

    def _answer(self) -> str:
        served = self._results[self._first :]
        if self._done:
            return "Answer: done"
        if not served:
            return "Decline: none of the tools seems to fit."
        used = {str(value) for call, _ in served for value in call.arguments.values()}
        open_ends = [value for _, value in served if not any(str(v) in used for _, v in _scalars(value))]
        shown = [self._best_scalar(value) for value in open_ends or [served[-1][1]]]
        return "Answer: " + "; ".join(shown)

    def _best_scalar(self, value: Any) -> str:
        scalars = _scalars(value)
        scored = [(self._worth(key), not looks_like_id(one), number, one) for number, (key, one) in enumerate(scalars)]
        best = max(scored, default=(0.0, False, 0, ""), key=lambda item: item[:3])[3]
        return best if isinstance(best, str) else jsonio.dumps(best)

    def _worth(self, key: str) -> float:
        return sum(self._weight.get(one, 1.0) for one in words(key) if self._says(one)) - 2.0 * (key == "id")


def _read(function: dict[str, Any]) -> _Tool:
    parameters = function["parameters"]
    named = frozenset(words(function["name"]))
    return _Tool(
        function["name"],
        {name: schema for name, schema in parameters.get("properties", {}).items() if isinstance(schema, dict)},
        frozenset(parameters.get("required", ())),
        named,
        named | frozenset(words(function.get("description", ""))),
    )


def _enum_stems(tool: _Tool) -> frozenset[str]:
    return frozenset(one for schema in tool.parameters.values() for v in schema.get("enum", ()) for one in words(str(v)))


def _verb(name: str) -> str:
    return name.partition("_")[0]


def _key(call: ToolCall) -> str:
    return call.name + jsonio.dumps(call.arguments, sort_keys=True)


def _kind_of(name: str, schema: dict[str, Any]) -> str:
    if schema.get("type") in ("number", "integer"):
        return "number"
    if name == "id" or name.endswith("_id"):
        return "id"
    about = f"{name} {schema.get('description', '')}".lower()
    return "date" if "yyyy" in about or "date" in about or schema.get("format") == "date" else "name"


def _read_as(kind: str, mention: Mention) -> Any:
    """Return a mention as a value of some kind, or None if it is none."""
    if kind == "number" and mention.kind == "number":
        digits = mention.text.replace(",", "")
        return float(digits) if "." in digits else int(digits)
    if kind == "name" and mention.kind in ("name", "quote", "code"):
        return mention.text
    fits = (kind == "id" and mention.kind == "code") or (kind == "date" and mention.kind == "date")
    return mention.text if fits else None


def _fits(value: str, stems: frozenset[str]) -> bool:
    """Return whether an id's capitals abbreviate one of the words."""
    prefix = value.rstrip("0123456789").rstrip("-_")
    return any(abbreviates(prefix, one) for one in stems)


def _scalars(value: Any) -> list[tuple[str, Any]]:
    """Return the scalars of a result with the keys they stand under, those of a list's first item only."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in ([(key, item)] if _plain(item) else _scalars(item))]
    if isinstance(value, list):
        return _scalars(value[0]) if value else []
    return [("value", value)] if _plain(value) else []


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
