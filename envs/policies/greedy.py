"""A lexical planner: it calls the tools whose words the request has, and knows nothing of what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any, NamedTuple

from tool_gym import jsonio
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies.lexical import Mention, first_request, looks_like_id, mentions, parts, stem, words
from tool_gym.envs.policies.slots import Slot, Tool, choice_by_prefix, fits, read_tool, value_of
from tool_gym.trajectory import Step
from tool_gym.turns import Outcome, ToolCall, Turn

MAX_CALLS = 8
"""Calls made for one request at most."""

WORTH = 0.8
"""Score below which a call is not made."""

_SYNONYMS = {
    "descending": "highest largest longest latest most maximum biggest greatest newest recent",
    "ascending": "lowest smallest shortest earliest least minimum fewest oldest cheapest",
    "maximum": "highest largest longest most biggest greatest",
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

SAID: dict[str, frozenset[str]] = {
    stem(word): frozenset(map(stem, (word, *said.split()))) for word, said in _SYNONYMS.items()
}
"""Stem of a word of a tool → stems of words that mean it, itself included."""


class _Known(NamedTuple):
    """A value an earlier result served."""

    value: Any
    key: str
    age: int
    """The number of the call that served it, from 1."""


class _Candidate(NamedTuple):
    score: float
    call: ToolCall
    stems: frozenset[str]


class _Served(NamedTuple):
    call: ToolCall
    value: Any


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
            self._plan = _Plan(first_request(info), info["tools"])
        elif step is not None and step.turn.calls:
            self._plan.take(step)
        elif step is not None:
            self._plan.begin(step.reply)
        return self._plan.turn()


class _Plan:
    """What is known so far, and what to do next."""

    def __init__(self, text: str, tools: Sequence[dict[str, Any]]) -> None:
        self._tools = [read_tool(tool["function"]) for tool in tools]
        counts = Counter(one for tool in self._tools for one in tool.all_stems)
        self._weight = {one: 1 / sqrt(count) for one, count in counts.items()}
        self._known: list[_Known] = []
        self._served: list[_Served] = []
        self._tried: set[str] = set()
        self._spent: set[str] = set()
        """Values that were arguments already."""
        self.begin(text)

    def begin(self, text: str) -> None:
        """Take in a request."""
        self._parts = parts(text)
        self._answers: list[str] = []
        self._begin_part()

    def _begin_part(self) -> None:
        text = self._text = self._parts.pop(0)
        self._stems = frozenset(words(text))
        self._mentions = mentions(text)
        self._covered: frozenset[str] = frozenset()
        self._spent -= {mention.text for mention in self._mentions}
        self._first = len(self._served)
        self._calls = 0
        self._done = False

    def take(self, step: Step) -> None:
        """Take in the result of a call."""
        call, result = step.turn.calls[0], step.results[0]
        if not isinstance(call, ToolCall):
            return
        if result.outcome is Outcome.TRANSIENT_FAULT:
            self._tried.discard(_key(call))
        elif result.ok:
            self._served.append(_Served(call, result.value))
            self._spent.update(map(str, call.arguments.values()))
            self._known += [_Known(value, key, len(self._served)) for key, value in _scalars(result.value)]
            self._done = self._done or any(tool.writes for tool in self._tools if tool.name == call.name)

    def turn(self) -> Turn:
        """Return the best call, or what is said when none is worth it."""
        best = max(self._candidates(), key=lambda one: one.score, default=None)
        if self._done or self._calls >= MAX_CALLS or best is None or best.score < WORTH:
            return self._finish_part()
        self._calls += 1
        self._tried.add(_key(best.call))
        self._covered |= best.stems
        return Turn(calls=(best.call,))

    def _finish_part(self) -> Turn:
        if len(self._served) > self._first:
            self._answers.append("done" if self._done else self._best_scalar(self._served[-1]))
        if self._parts:
            self._begin_part()
            return self.turn()
        if not self._answers:
            return Turn("Decline: none of the tools seems to fit.")
        return Turn(f"Answer: {'; '.join(self._answers)}")

    # --- calls

    def _candidates(self) -> Iterator[_Candidate]:
        for tool in self._tools:
            if tool.writes and not self._says(stem(tool.verb)):
                continue
            for arguments, bonus, chosen in self._fillings(tool):
                call = ToolCall(tool.name, arguments)
                if _key(call) not in self._tried:
                    score = self._score(tool, chosen) + bonus + 0.5 * tool.writes
                    yield _Candidate(score, call, tool.stems | chosen)

    def _score(self, tool: Tool, chosen: frozenset[str]) -> float:
        score = 0.0
        for one in sorted(tool.stems | chosen):
            if self._says(one):
                score += self._news(one)
            elif one in tool.named or one in chosen:
                score -= 0.4 * self._weight.get(one, 1.0)
        return score

    def _says(self, one: str) -> bool:
        return one in self._stems or bool(SAID.get(one, frozenset()) & self._stems)

    def _news(self, one: str) -> float:
        """Return a word's weight: less if it stands in many tools, or a call was made for it already."""
        return self._weight.get(one, 1.0) * (0.3 if one in self._covered else 1.0)

    # --- arguments

    def _fillings(self, tool: Tool) -> Iterator[tuple[dict[str, Any], float, frozenset[str]]]:
        """Yield ways to fill a tool's parameters: arguments, what speaks for them, the stems they add."""
        fixed, bonus = self._choices(tool)
        open_slots = [slot for slot in tool.slots if slot.required and not slot.choices]
        for values, gain in self._values(tool, open_slots):
            by_prefix = choice_by_prefix(tool, list(values.values()))
            arguments = {**values, **fixed, **by_prefix}
            chosen = [
                word for name, value in (fixed | by_prefix).items() if name in arguments for word in words(str(value))
            ]
            yield arguments, bonus + gain, frozenset(chosen)

    def _choices(self, tool: Tool) -> tuple[dict[str, Any], float]:
        """Return the arguments from closed lists, and a penalty for those that are guesses."""
        arguments, bonus = {}, 0.0
        for slot in tool.slots:
            if slot.choices:
                best = max(slot.choices, key=self._choice_score)
                score = self._choice_score(best)
                if slot.required or score > 0.2:
                    arguments[slot.name] = best
                    bonus -= 0.6 if score <= 0 else 0.0
        return arguments, bonus

    def _choice_score(self, value: Any) -> float:
        stems = words(str(value))
        said = [one for one in stems if self._says(one)]
        return sum(map(self._news, said)) + 0.01 * len(said) - 0.2 * (len(stems) - len(said))

    def _values(self, tool: Tool, slots: Sequence[Slot]) -> Iterator[tuple[dict[str, Any], float]]:
        """Yield values for the slots without a closed list: every one for a single slot, the best ones for several."""
        if len(slots) == 1:
            yield from (({slots[0].name: value}, gain) for value, gain in self._options(tool, slots[0]))
            return
        arguments: dict[str, Any] = {}
        bonus = 0.0
        for slot in slots:
            options = [option for option in self._options(tool, slot) if option[0] not in arguments.values()]
            if not options:
                return
            arguments[slot.name], gain = max(options, key=lambda option: option[1])
            bonus += gain / len(slots)
        yield arguments, bonus

    def _options(self, tool: Tool, slot: Slot) -> Iterator[tuple[Any, float]]:
        """Yield values for a slot, each with what speaks for it."""
        for mention in self._mentions:
            value = value_of(mention, slot)
            if value is not None and fits(value, slot, tool):
                yield value, self._nearness(mention, slot, tool) + self._freshness(value, 0)
        for known in self._known:
            if slot.takes(known.value) and fits(known.value, slot, tool):
                yield known.value, 0.3 * (known.key == slot.name) + self._freshness(known.value, known.age)

    def _freshness(self, value: Any, age: int) -> float:
        if str(value) in self._spent:
            return -0.5
        return 0.8 if age in (0, len(self._served)) else 0.4

    def _nearness(self, mention: Mention, slot: Slot, tool: Tool) -> float:
        """Return how much the words around a mention speak for a tool or slot."""
        end = mention.start + len(mention.text)
        before = words(self._text[max(0, mention.start - 40) : mention.start])[-3:]
        about = tool.named if slot.kind in ("name", "id") else slot.stems
        if about & frozenset(before):
            return 0.8
        nothing = 0.0 if slot.kind in ("number", "date") else -0.2
        return 0.4 if about & frozenset(words(self._text[end : end + 20])) else nothing

    def _best_scalar(self, served: _Served) -> str:
        scalars = _scalars(served.value)
        asked = [str(value) for value in served.call.arguments.values()]
        scored = [
            (key in asked, self._key_score(key), not looks_like_id(value), str(value) not in asked, number)
            for number, (key, value) in enumerate(scalars)
        ]
        best = scalars[max(scored)[-1]][1] if scored else ""
        return best if isinstance(best, str) else jsonio.dumps(best)

    def _key_score(self, key: str) -> float:
        return sum(self._weight.get(one, 1.0) for one in sorted(words(key)) if self._says(one))


def _key(call: ToolCall) -> str:
    return call.name + jsonio.dumps(call.arguments, sort_keys=True)


def _scalars(value: Any) -> list[tuple[str, Any]]:
    """Return the scalars of a result with the keys they stand under, those of a list's first item only."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in ([(key, item)] if _plain(item) else _scalars(item))]
    if isinstance(value, list):
        return _scalars(value[0]) if value else []
    return [("value", value)] if _plain(value) else []


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
