"""Turns by TRL's own generation (vLLM, sharded models), where processes take part in each other's calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from tool_gym.agents.generating import Sampled

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.rollouts import Rollout

LogProbs: TypeAlias = list[float | None]
"""Of each token; None where the backend has none."""

Written: TypeAlias = tuple[list[list[int]], list[LogProbs] | None]
"""What was written, and its log-probabilities, if the backend gives any."""


class CollectiveGenerate:
    """Asks TRL for turns, all processes at the same time and for the same number of turns.

    Where generation is a collective operation, a process that plays longer episodes calls it more often than the
    others, and in some modes all have to ask for equally many turns. Each call is therefore filled up to the largest
    number asked for by any process, and a process that is through keeps asking until all are (`finish`).
    """

    def __init__(
        self,
        generate: Callable[[list[list[int]]], Written],
        gather: Callable[[list[int]], list[int]],
        *,
        encoder: Encoder,
        filler: Sequence[int],
    ) -> None:
        """Wrap a way of generating.

        Args:
            generate: Writes a turn behind each prefix.
            gather: Returns the numbers all processes hand in.
            encoder: Says what ends a turn.
            filler: The prefix of those who have nothing to ask.
        """
        self._generate = generate
        self._gather = gather
        self._encoder = encoder
        self._filler = list(filler)
        self._kept: dict[tuple[int, ...], list[tuple[list[int], LogProbs]]] = {}

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> list[Sampled]:
        """Return a turn for each prefix."""
        _, written = self._together(prefixes)
        return [self._ended(ids) for ids in written]

    def finish(self) -> None:
        """Take part in the others' calls until nobody asks any more."""
        while self._together([])[0]:
            pass

    def log_probs(self, rollouts: Sequence[Rollout]) -> list[LogProbs] | None:
        """Return the log-probability of each token of completions, 0 for the environment's; None if there are none."""
        return [self._of(rollout) for rollout in rollouts] if self._kept else None

    def _together(self, prefixes: Sequence[Sequence[int]]) -> tuple[int, list[list[int]]]:
        """Return how many turns the busiest process asked for, and ours."""
        asked = max(self._gather([len(prefixes)]))
        if not asked:
            return 0, []
        filled = [list(prefix) for prefix in prefixes] + [self._filler] * (asked - len(prefixes))
        written, log_probs = self._generate(filled)
        for prefix, ids, of_ids in zip(prefixes, written, log_probs or (), strict=False):
            self._kept.setdefault(tuple(prefix), []).append((ids, of_ids))
        return asked, written[: len(prefixes)]

    def _ended(self, ids: list[int]) -> Sampled:
        """Return a turn up to what ends it; backends know stop tokens, but no marks of several tokens."""
        ends, at = self._encoder.text_end, self._encoder.stop_ids
        if ends is not None:
            last = next((n for n in range(1, len(ids) + 1) if ids[n - 1] in ends.closing and ends(ids[:n])), None)
            if last is not None:
                return Sampled(ids[:last], stopped=True)
        return Sampled(ids, stopped=bool(ids) and ids[-1] in at)

    def _of(self, rollout: Rollout) -> LogProbs:
        """Return a completion's; a turn may have been cut, and members of a group may share a prefix."""
        found: LogProbs = [0.0] * len(rollout.completion_ids)
        for start, end in rollout.turns:
            prefix = (*rollout.prompt_ids, *rollout.completion_ids[:start])
            own = rollout.completion_ids[start:end]
            found[start:end] = next(kept for ids, kept in self._kept[prefix] if ids[: len(own)] == own)[: len(own)]
        return found
