"""Gymnasium spaces for what language models read and write.

`gymnasium.spaces.Text` needs a character set: its default has no space or brace, and a Unicode one takes
seconds to copy. `UnicodeText` accepts any text up to a length. Neither space can live in shared memory:
use `AsyncVectorEnv(..., shared_memory=False)`.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import Space

from tool_gym.turns import BrokenCall, ToolCall, Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ALPHABET = np.array(list(string.ascii_letters + string.digits + " .,:;{}[]\"'<>_/"))
_SAMPLE_LENGTH = 64


class UnicodeText(Space[str]):
    """Any text of at most `max_length` characters, the empty text included."""

    def __init__(self, max_length: int, seed: int | np.random.Generator | None = None) -> None:
        """Create the space.

        Args:
            max_length: Largest length of a text, in characters; at least 1.
            seed: Seed of `sample`.
        """
        self.max_length = max_length
        super().__init__(dtype=str, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: text has no fixed-size numeric form."""
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """Return a short printable text; masks are not supported."""
        _refuse_masks(mask, probability)
        length = int(self.np_random.integers(min(self.max_length, _SAMPLE_LENGTH) + 1))
        return "".join(_ALPHABET[self.np_random.integers(len(_ALPHABET), size=length)])

    def contains(self, x: Any) -> bool:
        """Return whether `x` is a text that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def to_jsonable(self, sample_n: Any) -> list[str]:
        """Return samples as they are."""
        return list(sample_n)

    def from_jsonable(self, sample_n: list[Any]) -> list[str]:
        """Return samples as they are."""
        return list(sample_n)

    def __eq__(self, other: object) -> bool:
        """Return whether `other` accepts the same texts."""
        return isinstance(other, UnicodeText) and other.max_length == self.max_length

    def __hash__(self) -> int:
        """Hash by the maximum length."""
        return hash((UnicodeText, self.max_length))

    def __repr__(self) -> str:
        """Return the constructor call."""
        return f"UnicodeText({self.max_length})"


class StructuredTurn(Space[Turn]):
    """Any `tool_gym.turns.Turn`; for policies that produce calls as data."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        """Create the space."""
        super().__init__(dtype=object, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        """False: a turn has no fixed-size numeric form."""
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> Turn:
        """Return a turn with a call to an unlikely tool, or a short text."""
        _refuse_masks(mask, probability)
        if self.np_random.random() < 0.5:
            return Turn(calls=(ToolCall(f"tool_{int(self.np_random.integers(100))}", {}),))
        digits: NDArray[Any] = self.np_random.integers(10, size=4)
        return Turn("Answer: " + "".join(map(str, digits)))

    def contains(self, x: Any) -> bool:
        """Return whether `x` is a turn of calls and text."""
        return isinstance(x, Turn) and all(isinstance(call, ToolCall | BrokenCall) for call in x.calls)

    def __eq__(self, other: object) -> bool:
        """Return whether `other` is the same kind of space."""
        return isinstance(other, StructuredTurn)

    def __hash__(self) -> int:
        """Hash by kind."""
        return hash(StructuredTurn)

    def __repr__(self) -> str:
        """Return the constructor call."""
        return "StructuredTurn()"


def _refuse_masks(mask: Any | None, probability: Any | None) -> None:
    if mask is not None or probability is not None:
        msg = "text spaces sample without masks and probabilities"
        raise ValueError(msg)
