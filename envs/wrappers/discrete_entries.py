"""What an entry of the menu is: a turn, and the numbers that describe it."""

from __future__ import annotations

from typing import NamedTuple

from tool_gym.turns import Turn


class Entry(NamedTuple):
    """A turn of the menu, and what speaks for it in numbers from −1 to 1; zeros where a number has no meaning."""

    turn: Turn
    is_call: float = 0.0
    is_answer: float = 0.0
    score: float = 0.0
    """What it is ranked by."""
    lead: float = 0.0
    """Its score less the best of its kind; at most 0."""
    said: float = 0.0
    """Share of its words the request has: those of the tool's name, or the keys of the answer's values."""
    news: float = 0.0
    """The same, counting only words no call was made for."""
    chosen: float = 0.0
    """How far the request says its choices from closed lists."""
    evidence: float = 0.0
    """What speaks for its other values."""
    from_user: float = 0.0
    from_result: float = 0.0
    fresh: float = 0.0
    """Whether one of its values was named or just served, and not used yet."""
    tried: float = 0.0
    """Calls to its tool in this user turn, divided by 4."""
    writes: float = 0.0
    """Whether its tool's name says that it changes something."""
    joined: float = 0.0
    """Values of the answer, divided by 4."""
    complete: float = 0.0
    """Whether the answer has as many values as there are results no call has built on."""
    expected: float = 0.0
    """Whether the answer has as many values as the request has parts."""
    has_id: float = 0.0
    """Whether a value of the answer is an id."""


FEATURES = ("present", *Entry._fields[1:])
"""Names of the numbers by which the observation describes an entry."""
