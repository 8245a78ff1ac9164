"""Reading a request back: every goal its words can mean, from the domain's words, the frames and the world's names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import Create, Higher
from tool_gym.generators.wording import parse_rules  # noqa: F401 - the rules it registers
from tool_gym.generators.wording.parse_chart import Chart, any_of, compiled, fitting
from tool_gym.generators.wording.parse_create import Field, Make, completed
from tool_gym.generators.wording.parse_gaps import Reexpress, Restrict, opened
from tool_gym.generators.wording.parse_questions import Ask, Intro, InUnit, Letter, Moves, Name, Next
from tool_gym.generators.wording.parse_refs import Discourse, Figure, Found, holds, within
from tool_gym.generators.wording.parse_turns import Elliptic, carried, without_now
from tool_gym.generators.wording.parse_values import converted
from tool_gym.generators.wording.parse_words import Words
from tool_gym.generators.wording.text import frames
from tool_gym.world import World

MOST = 400
"""Most ways to cut a text into sentences that are followed up."""

_FRAMES_OF_NO_MATTER = ("parallel_order",)

any_of("sentence", "question", "prepared", "order", "open_sentence")


def readings(text: str, domain: Domain, world: World) -> tuple[tuple[Any, ...], ...]:
    """Return every goal a request can mean, each once; none if it cannot be read.

    Args:
        text: One user turn.
        domain: The words.
        world: The names.
    """
    words = words_of(domain, world)
    found = (goal for moves in _bodies(Chart(text, words), "sentence") for goal, _ in _goals(moves, Discourse(words)))
    return tuple(dict.fromkeys(found))


def turn_readings(texts: Sequence[str], domain: Domain, world: World) -> tuple[tuple[Any, ...], ...]:
    """Return every goal, an expression a turn, that the user turns of a dialogue can mean together.

    Args:
        texts: The user turns, in order.
        domain: The words.
        world: The names.
    """
    words = words_of(domain, world)
    states = [Discourse(words)]
    for number, text in enumerate(texts):
        said_now = [text, *without_now(text)] if number else [text]
        bodies = [moves for said in said_now for moves in _bodies(Chart(said, words), "turn" if number else "sentence")]
        found: dict[tuple[Any, ...], Discourse] = {}
        for state in states:
            for moves in bodies:
                for goal, said in _goals(moves, state):
                    if len(goal) == 1:
                        found.setdefault((*state.goals, goal[0]), said.after(goal[0]))
        states = list(found.values())
    return tuple(state.goals for state in states)


def words_of(domain: Domain, world: World) -> Words:
    """Return what a reader knows of a domain and a world; kept with the world."""
    key = (Words, domain.name)
    found: Words | None = world.base.derived.get(key)
    if found is None or found.domain is not domain:
        found = world.base.derived[key] = Words(domain, world)
    return found


def _goals(moves: Moves, said: Discourse) -> Iterator[tuple[tuple[Any, ...], Discourse]]:
    if all(_is_used(move, moves[place + 1 :]) for place, move in enumerate(moves)):
        yield from _meant(_settled(moves), 0, said, ())


def _is_used(move: Any, later: Moves) -> bool:
    """Return whether a figure that is given a name is ever called by it; of anything else, True."""
    return not isinstance(move, Name) or any(spoken == Figure(move.name) for spoken in within(later))


def _bodies(chart: Chart, kind: str) -> list[Moves]:
    """Return every way to read the text as sentences."""
    memo: dict[int, list[Moves]] = {}

    def tails(start: int) -> list[Moves]:
        if start not in memo:
            memo[start] = _tails(chart, kind, start, tails)
        return memo[start]

    found: dict[Moves, None] = {}
    for start in _starts(chart):
        for moves in tails(start):
            found.setdefault(moves)
    return list(found)[:MOST]


def _tails(chart: Chart, kind: str, start: int, tails: Any) -> list[Moves]:
    text = chart.text
    while start < len(text) and text[start].isspace():
        start += 1
    if start >= len(text):
        return [()]
    found: dict[Moves, None] = {}
    for at, numbered in _piece_starts(chart, start):
        before = (Next(),) if numbered else ()
        for end, moves in chart.read(kind, at):
            if end >= len(text) or text[end].isspace():
                for rest in tails(end):
                    found.setdefault((*before, *moves, *rest))
    for end in _idle(chart, start):
        for rest in tails(end):
            found.setdefault(rest)
    return list(found)[:MOST]


def _piece_starts(chart: Chart, start: int) -> Iterator[tuple[int, bool]]:
    """Yield where a sentence can begin, here or behind its number or "first, ", and whether it is behind one."""
    yield start, False
    match = _leads().match(chart.text, start)
    if match:
        yield match.end(), True


@cache
def _leads() -> re.Pattern[str]:
    """Return what numbers a question, or leads over to it."""
    numbers = [re.escape(text.replace("{q}", "").lstrip()) for text in frames()["numbers"]]
    marks = [text.replace(re.escape("{i}"), r"\d+") for text in numbers]
    words = [re.escape(f"{word}, ") for key in ("ordinals", "following", "last") for word in frames()[key]]
    return re.compile("|".join(dict.fromkeys((*marks, *words))))


def _idle(chart: Chart, start: int) -> Iterator[int]:
    """Yield where what says nothing of the matter ends: closers, the order of the answers, an introduction."""
    for texts in frames()["closers"].values():
        yield from _literal_ends(chart, start, texts)
    for texts in frames()["closers_act"].values():
        yield from _literal_ends(chart, start, texts)
    for end, _ in fitting(chart, compiled("parallel_order"), start, {}, lambda *_: [None]):
        yield end
    for end, _ in fitting(chart, compiled("parallel_intro"), start, {"k": "count_word"}, lambda *_: [None]):
        yield end


def _starts(chart: Chart) -> Iterator[int]:
    """Yield where the matter can begin: at once, or behind an opener."""
    yield 0
    for openers in frames()["openers"].values():
        for texts in openers.values():
            yield from _literal_ends(chart, 0, texts)
    context = frames()["context"]
    for doing in context["doing"]:
        yield from _literal_ends(chart, 0, [f"{doing} {what}." for what in context["what"]])


def _literal_ends(chart: Chart, start: int, texts: list[str]) -> Iterator[int]:
    for text in texts:
        if chart.text.startswith(text.lower(), start):
            end = start + len(text)
            yield end + 1 if chart.text.startswith(" ", end) else end


def _settled(moves: Moves) -> Moves:
    """Put questions about what is found "as follows" behind what follows."""
    found = list(moves)
    for place, move in enumerate(moves):
        if isinstance(move, Ask) and holds(move.wanted, Found):
            last = place
            while last + 1 < len(found) and isinstance(found[last + 1], Intro | Letter | Name):
                last += 1
            found.insert(last, found.pop(place))
    return tuple(found)


def _meant(
    moves: Moves, place: int, said: Discourse, goal: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Discourse]]:
    """Yield the goals of a text from one of its moves on, and what has been said by then."""
    if place < len(moves):
        for then_said, then_goal in _moved(moves[place], said, goal):
            yield from _meant(moves, place + 1, then_said, then_goal)
        return
    wanted = tuple(term for term in goal if not isinstance(term, Next))
    if wanted and not isinstance(goal[-1], Next):
        yield wanted, said


def _moved(move: Any, said: Discourse, goal: tuple[Any, ...]) -> Iterator[tuple[Discourse, tuple[Any, ...]]]:
    """Yield what has been said, and asked for, after one more move; none where it makes no sense there."""
    if isinstance(move, Intro):
        inside = () if isinstance(move.ent, Higher) else tuple(said.mentioned(move.ent))
        yield from ((said.introduce(ent, inside=inside), goal) for ent in said.resolve(move.ent))
    elif isinstance(move, Letter):
        yield from ((said.letter(move.entity, move.letter, ent), goal) for ent in said.resolve(move.ent))
    elif isinstance(move, Name):
        yield from ((said.figure(move.name, val), goal) for val in said.resolve(move.val))
    elif isinstance(move, InUnit | Restrict | Reexpress | Field):
        if goal and not isinstance(goal[-1], Next):
            yield from ((said, (*goal[:-1], term)) for term in _amended(move, said, goal[-1]))
    elif not goal or isinstance(goal[-1], Next) is not isinstance(move, Next):
        yield from ((said, (*goal, term)) for term in _wanted(move, said))


def _wanted(move: Any, said: Discourse) -> Iterator[Any]:
    """Yield what a move asks for. Only what is numbered follows another question or order."""
    if isinstance(move, Next):
        yield move
    elif isinstance(move, Elliptic):
        yield from carried(move, said)
    elif isinstance(move, Make):
        yield from _filled(said, Create(move.entity, (), ()), move.fields)
    else:
        yield from said.resolve(move.wanted if isinstance(move, Ask) else move.act)


def _amended(move: Any, said: Discourse, asked: Any) -> Iterator[Any]:
    """Yield what is wanted once a sentence says more about it."""
    if isinstance(move, InUnit):
        yield from converted(said.words, asked, move.unit)
    elif isinstance(move, Restrict | Reexpress):
        yield from opened(move, said.words, asked)
    elif isinstance(asked, Create):
        yield from _filled(said, asked, ((move.noun, move.value),))


def _filled(said: Discourse, made: Create, fields: tuple[tuple[str, Any], ...]) -> Iterator[Any]:
    for known in said.resolve(fields):
        yield from completed(said.words, made, known)
