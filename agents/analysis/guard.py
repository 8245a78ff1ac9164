"""The guard of general capability: what tuning cost where it did not aim."""

from __future__ import annotations

from typing import Any, NamedTuple

from tool_gym.agents.analysis.harness import Harness, Metric
from tool_gym.agents.analysis.perplexity import Perplexity, perplexity


class Capability(NamedTuple):
    """What a model can do in general."""

    perplexity: Perplexity | None
    """Of the text; None if none was given."""
    metrics: tuple[Metric, ...]
    """Of the tasks."""


class Guard(NamedTuple):
    """What is measured before and after."""

    text: str | None = None
    window: int | None = None
    """Tokens; None for the model's context, but at most `perplexity.MOST`."""
    stride: int | None = None
    """Tokens; None for half a window."""
    harness: Harness | None = None

    def measure(self, model: Any, tokenizer: Any) -> Capability:
        """Return what a model can do."""
        found = None
        if self.text is not None:
            found = perplexity(model, tokenizer, self.text, window=self.window, stride=self.stride)
        metrics = () if self.harness is None else tuple(self.harness.run(model, tokenizer))
        return Capability(found, metrics)
