"""Batched sampling from a causal language model: a decode loop with a cache that rows leave when they stop."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from tool_gym.agents.generating import Generate, Sampled
from tool_gym.agents.passes import Memory, Model, Passes, PlainPasses, RememberedPasses, key_of
from tool_gym.errors import AgentError

if TYPE_CHECKING:
    from torch import Tensor

    from tool_gym.agents.encoding import TextEnd

__all__ = ["Generate", "Sampled", "Sampler"]

_COMPACT = 0.75
"""Rows that stopped leave the batch once at most this share is still going: each time costs a copy of the cache."""


class Sampler:
    """Samples from any causal language model of transformers, on any device, in any floating-point type.

    What is promised: equal calls with generators in equal states give equal results on one machine. The random numbers
    of a row depend on the generator's state, the row's place among the prefixes and `max_new_tokens` alone, and with a
    generator for each prefix on that one alone. So neither the other rows nor `max_batch` nor who stops when matter,
    but for the rounding of sums, which depends on the shape of a batch.
    """

    def __init__(  # noqa: PLR0913 - what a sampler is made of
        self,
        model: Any,
        *,
        pad_id: int,
        stop_ids: frozenset[int],
        max_batch: int = 64,
        text_end: TextEnd | None = None,
        reuse: bool = False,
    ) -> None:
        """Prepare.

        Args:
            model: The model; `sample` puts it into evaluation mode while it runs.
            pad_id: Any token the model knows; it is masked.
            stop_ids: Tokens that end a row.
            max_batch: Most rows decoded side by side; at least 1.
            text_end: What else ends a row, such as `Encoder.text_end`; None for nothing.
            reuse: Whether to keep keys and values for the next call, so that of a prefix that begins with one of this
                call and the turn written behind it only the rest is computed: what the turns of episodes are. It takes
                the memory of one batch's cache more, and the weights must stay as they are while the sampler is used.

        Raises:
            AgentError: If `max_batch` is less than 1.
        """
        if max_batch < 1:
            msg = f"max_batch must be at least 1, not {max_batch}"
            raise AgentError(msg)
        self.model = model
        self.pad_id = pad_id
        self.stop_ids = stop_ids
        self.max_batch = max_batch
        self.text_end = text_end
        self.reuse = reuse
        self._probed = False
        self._memory: Memory | None = None
        self._weights = 0

    def sample(  # noqa: PLR0913 - the settings of sampling, by name
        self,
        prefixes: Sequence[Sequence[int]],
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
    ) -> list[Sampled]:
        """Write a turn behind each prefix.

        Args:
            prefixes: Token ids, at least one in each.
            max_new_tokens: Length at which a turn is cut; at least 1.
            temperature: 0 takes the likeliest token each time.
            top_p: The likeliest tokens that together have this probability are drawn from; 1 for all.
            top_k: This many likeliest tokens are drawn from; 0 for all.
            generator: Where chance comes from, one for all prefixes or one for each; None for torch's own.

        Returns:
            The turns, in order.

        Raises:
            AgentError: If a setting is out of its range, a prefix is empty or fills the model's context, or the model
                returns what is no number.
        """
        choice = Choice(temperature, top_p, top_k)
        choice.check()
        window = _window(self.model)
        _check_prefixes(prefixes, max_new_tokens, window)
        if not prefixes:
            return []
        draws = None if temperature == 0 else _draws(len(prefixes), max_new_tokens, generator)
        budgets = [min(max_new_tokens, window - len(prefix)) for prefix in prefixes]
        with (
            _evaluating(self.model),
            torch.no_grad(),
        ):  # no inference_mode: what a model keeps may be trained with later
            return self._decode(prefixes, choice, draws, budgets)

    def _decode(
        self, prefixes: Sequence[Sequence[int]], choice: Choice, draws: Tensor | None, budgets: Sequence[int]
    ) -> list[Sampled]:
        model = Model(self.model)
        memory = self._recall(model)
        stop_ids = _tensor(self.stop_ids, model.device)
        decoding = _Decoding(choice, stop_ids, self.text_end)
        sampled: dict[int, Sampled] = {}
        known: dict[bytes, Tensor] = {}
        longest_first = sorted(range(len(prefixes)), key=lambda row: -len(prefixes[row]))
        for rows in _chunks(longest_first, self.max_batch):
            own, most = [prefixes[row] for row in rows], max(budgets[row] for row in rows)
            passes, logits = self._begin(model, memory, own, most)
            of_rows = None if draws is None else draws[rows].to(model.device)
            turns = decoding.run(passes, logits, of_rows, [budgets[row] for row in rows])
            sampled |= zip(rows, turns, strict=True)
            if isinstance(passes, RememberedPasses):
                known |= {key_of([*own[row], *turns[row].ids[:-1]]): part for row, part in passes.left.items()}
        if memory is not None:
            memory.remember(known)
        return [sampled[row] for row in range(len(prefixes))]

    def _begin(
        self, model: Model, memory: Memory | None, prefixes: Sequence[Sequence[int]], most: int
    ) -> tuple[Passes, Tensor]:
        """Read the prefixes of a batch; return what goes on from there, and the logits behind them."""
        if memory is None:
            plain = PlainPasses(model, prefixes, self.pad_id, most)
            return plain, plain.read()
        known, logits = zip(*memory.read(model, prefixes, self.max_batch), strict=True)
        passes = RememberedPasses(model, memory.shape, known, most, remember=self.reuse)
        return passes, torch.stack(logits)

    def _recall(self, model: Model) -> Memory | None:
        """Return what is known of prefixes; None if the model's cache is of a kind that nothing is kept of."""
        if not self._probed:
            shape = model.shape()
            self._memory, self._probed = Memory(shape, self.pad_id) if shape else None, True
        if self._memory is not None and self.reuse:
            weights = sum(weight._version for weight in self.model.parameters())  # noqa: SLF001 - torch's own count of changes
            if weights != self._weights:  # trained in between, against the rules
                self._memory.remember({})
            self._weights = weights
        return self._memory


class Choice(NamedTuple):
    """How the next token is chosen."""

    temperature: float
    top_p: float
    top_k: int

    def check(self) -> None:
        """Raise `AgentError` if a number is out of its range."""
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            msg = f"temperature must be a number of at least 0, not {self.temperature}"
            raise AgentError(msg)
        if not 0 < self.top_p <= 1:
            msg = f"top_p must be above 0 and at most 1, not {self.top_p}"
            raise AgentError(msg)
        if self.top_k < 0:
            msg = f"top_k must be at least 0, not {self.top_k}"
            raise AgentError(msg)

    def of(self, logits: Tensor, draws: Tensor | None) -> Tensor:
        """Return a token for each row of `logits`; `draws` are numbers in [0, 1), None if the likeliest is taken."""
        if draws is None:
            return logits.argmax(-1)
        cumulated = self._kept(logits.float() / self.temperature).softmax(-1).cumsum(-1, dtype=torch.float64)
        wanted = draws[:, None] * cumulated[:, -1:]
        return torch.searchsorted(cumulated, wanted, right=True).squeeze(1).clamp_(max=logits.shape[-1] - 1)

    def _kept(self, logits: Tensor) -> Tensor:
        """Return the logits, minus infinity where a token is not drawn from."""
        if 0 < self.top_k < logits.shape[-1]:
            logits = logits.masked_fill(logits < logits.topk(self.top_k).values[:, -1:], -math.inf)
        if self.top_p < 1:
            ordered, places = logits.sort(-1, descending=True)
            likely = ordered.softmax(-1)
            dropped = likely.cumsum(-1) - likely >= self.top_p  # of those before it
            logits = logits.masked_fill(dropped.scatter(-1, places, dropped), -math.inf)
        return logits


class _Decoding:
    """The loop over one batch."""

    def __init__(self, choice: Choice, stop_ids: Tensor, text_end: TextEnd | None) -> None:
        self._choice = choice
        self._stops = stop_ids
        self._end = text_end
        self._closing = _tensor(text_end.closing, stop_ids.device) if text_end else None

    def run(self, passes: Passes, logits: Tensor, draws: Tensor | None, budgets: Sequence[int]) -> list[Sampled]:
        """Return what is written behind each row's prefix.

        Args:
            passes: What takes in tokens.
            logits: Those behind the prefixes.
            draws: A number in [0, 1) for each row and token; None to take the likeliest.
            budgets: Most tokens of each row.
        """
        device = logits.device
        written = torch.zeros((len(budgets), max(budgets)), dtype=torch.long, device=device)
        left, counts = torch.tensor(budgets, device=device), torch.zeros(len(budgets), dtype=torch.long, device=device)
        stopped = torch.zeros(len(budgets), dtype=torch.bool, device=device)
        live, going, broken = torch.arange(len(budgets), device=device), ~stopped, stopped.any()
        for number in range(max(budgets)):
            broken |= logits.isnan().any()
            chosen = self._choice.of(logits, None if draws is None else draws[live, number])
            written[live, number] = chosen
            counts[live] += going
            ended = self._ended(written, live, going, number) & going
            stopped[live] |= ended
            going = going & ~ended & (number + 1 < left[live])
            count = int(going.sum())
            if count <= len(live) * _COMPACT and passes.keep(going, counts.tolist()):
                live, chosen, going = live[going], chosen[going], going[going]
            if not count:
                break
            logits = passes(chosen)
        if broken:
            msg = "the model's logits are no numbers (NaN): its weights are broken, or training has diverged"
            raise AgentError(msg)
        rows = zip(written.tolist(), counts.tolist(), stopped.tolist(), strict=True)
        return [Sampled(row[:length], stop) for row, length, stop in rows]

    def _ended(self, written: Tensor, live: Tensor, going: Tensor, number: int) -> Tensor:
        """Return which of the live rows ended with their newest token."""
        newest = written[live, number]
        ended = torch.isin(newest, self._stops)
        if self._end is not None and self._closing is not None:
            for place in (torch.isin(newest, self._closing) & going & ~ended).nonzero().flatten().tolist():
                ended[place] = self._end(written[live[place], : number + 1].tolist())
        return ended


def _window(model: Any) -> int:
    """Return how many tokens a model takes; a very large number if it does not say."""
    config = model.config.get_text_config()
    return int(getattr(config, "max_position_embeddings", None) or sys.maxsize)


def _check_prefixes(prefixes: Sequence[Sequence[int]], max_new_tokens: int, window: int) -> None:
    if max_new_tokens < 1:
        msg = f"max_new_tokens must be at least 1, not {max_new_tokens}"
        raise AgentError(msg)
    for row, prefix in enumerate(prefixes):
        if not 0 < len(prefix) < window:
            why = f"fills the model's context of {window}" if prefix else "is empty"
            msg = f"prefix {row} of {len(prefix)} tokens {why}: shorten the prompt, or lower the cap of a completion"
            raise AgentError(msg)


def _tensor(ids: frozenset[int], device: torch.device) -> Tensor:
    return torch.tensor(sorted(ids), dtype=torch.long, device=device)


def _draws(rows: int, columns: int, generator: torch.Generator | Sequence[torch.Generator] | None) -> Tensor:
    """Return a random number in [0, 1) for each token."""
    if isinstance(generator, Sequence):
        if len(generator) != rows:
            msg = f"{len(generator)} generators for {rows} prefixes: give one for each, or one for all"
            raise AgentError(msg)
        return torch.stack([_draws(1, columns, one)[0] for one in generator])
    device = "cpu" if generator is None else generator.device
    return torch.rand((rows, columns), generator=generator, device=device, dtype=torch.float64)


def _chunks(rows: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield the rows in chunks of like size, of at most `most`."""
    count = math.ceil(len(rows) / most)
    size = math.ceil(len(rows) / count)
    for begin in range(0, len(rows), size):
        yield list(rows[begin : begin + size])


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Put a model into evaluation mode for a while."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
