"""A model's forward passes over a batch that rows leave, and what is kept of them from turn to turn."""

from __future__ import annotations

import inspect
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch
from transformers.cache_utils import DynamicLayer

from tool_gym.agents.cache import KeyValues, Shape

if TYPE_CHECKING:
    from torch import Tensor

_ALIKE = 0.8
"""Prefixes go through the model together if the shortest has at least this share of the longest's new tokens."""


class Passes(Protocol):
    """The passes over one batch, one token a row at a time."""

    def __call__(self, ids: Tensor) -> Tensor:
        """Take in a token of each row; return the logits behind it."""
        ...

    def keep(self, going: Tensor, counts: Sequence[int]) -> bool:
        """Drop the rows that are not marked; return whether that can be done.

        Args:
            going: A boolean for each row.
            counts: How many tokens each row has written.
        """
        ...


class Model:
    """How to call a model, whatever its forward takes."""

    def __init__(self, model: Any) -> None:
        """Look at a model of transformers, an adapter around it or not."""
        self._model = model
        self.device = next(model.parameters()).device
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        taken = inspect.signature(inner.forward).parameters
        self._positioned = "position_ids" in taken
        self._options = {"logits_to_keep": 1} if "logits_to_keep" in taken else {}

    def __call__(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> tuple[Tensor, Any]:
        """Return the logits behind the last column of `ids`, and the cache.

        Args:
            ids: Tokens, [rows, columns].
            mask: Which columns are looked at, those of the cache included.
            positions: Of `ids`.
            cache: What came before; None for nothing.
        """
        options: dict[str, Any] = dict(self._options)
        if self._positioned:
            options["position_ids"] = positions
        out = self._model(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **options)
        return out.logits[:, -1], out.past_key_values

    def shape(self) -> Shape | None:
        """Return the shape of the model's keys and values; None if its cache is of a kind of its own."""
        one = torch.ones((1, 1), dtype=torch.long, device=self.device)
        _, cache = self(one, one, one - 1, None)
        return Shape.of(cache)


class Memory:
    """Keys and values of prefixes, so that the turns of an episode cost no more than their new tokens."""

    def __init__(self, shape: Shape, pad_id: int) -> None:
        """Begin with nothing.

        Args:
            shape: That of the model's keys and values.
            pad_id: Any token; it is masked.
        """
        self.shape, self._pad_id = shape, pad_id
        self._known: dict[bytes, Tensor] = {}

    def remember(self, known: dict[bytes, Tensor]) -> None:
        """Know these prefixes, and no others."""
        self._known = known

    def read(self, model: Model, prefixes: Sequence[Sequence[int]], most: int) -> list[tuple[Tensor, Tensor]]:
        """Return the keys and values of each prefix and the logits behind it; equal prefixes are read once.

        Args:
            model: What reads.
            prefixes: Token ids.
            most: How many go through the model together.
        """
        keys = [key_of(prefix) for prefix in prefixes]
        lengths = sorted({len(key) for key in self._known}, reverse=True)
        new = dict(zip(keys, prefixes, strict=True))
        found = {key: self._longest(key, lengths) for key in new}
        order = sorted(new, key=lambda key: len(key) - _length(found[key]) * _SIZE, reverse=True)
        read: dict[bytes, tuple[Tensor, Tensor]] = {}
        for bucket in _buckets([(key, len(new[key]) - _length(found[key])) for key in order], most):
            read |= zip(
                bucket, self._extend(model, [new[key] for key in bucket], [found[key] for key in bucket]), strict=True
            )
        return [read[key] for key in keys]

    def _longest(self, key: bytes, lengths: Sequence[int]) -> Tensor | None:
        """Return what is known of the longest beginning of a prefix; one token at least is left to read."""
        for length in lengths:
            if length < len(key) and (known := self._known.get(key[:length])) is not None:
                return known
        return None

    def _extend(
        self, model: Model, prefixes: Sequence[Sequence[int]], known: Sequence[Tensor | None]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield keys and values of prefixes and the logits behind, given those of their beginnings."""
        old = max(map(_length, known))
        new = max(len(prefix) - _length(part) for prefix, part in zip(prefixes, known, strict=True))
        ids = torch.full((len(prefixes), new), self._pad_id)
        mask = torch.zeros((len(prefixes), old + new), dtype=torch.long)
        for row, (prefix, part) in enumerate(zip(prefixes, known, strict=True)):
            rest = prefix[_length(part) :]
            ids[row, new - len(rest) :] = torch.tensor(rest)
            mask[row, old - _length(part) : old] = 1
            mask[row, old + new - len(rest) :] = 1
        positions = (mask.cumsum(-1) - 1).clamp_(min=0)[:, old:]
        keys = KeyValues(self.shape, known, old, new)
        device = model.device
        logits, _ = model(ids.to(device), mask.to(device), positions.to(device), keys.cache)
        for row, (prefix, part) in enumerate(zip(prefixes, known, strict=True)):
            rest = keys.row(row, slice(old + new - len(prefix) + _length(part), old + new))
            yield rest if part is None else torch.cat([part, rest], 2), logits[row]


class RememberedPasses:
    """Passes over rows whose prefixes were read; what is computed of the rows is kept for their next turns."""

    def __init__(self, model: Model, shape: Shape, known: Sequence[Tensor], room: int, *, remember: bool) -> None:
        """Put the rows side by side.

        Args:
            model: What is called.
            shape: That of its keys and values.
            known: Keys and values of each row's prefix.
            room: How many tokens are going to be taken in.
            remember: Whether to keep what was computed of rows that leave.
        """
        self._model, self._remember = model, remember
        self._lengths = [_length(part) for part in known]
        self._width = self._seen = max(self._lengths)
        self._keys = KeyValues(shape, known, self._width, room)
        columns = torch.arange(self._width + room, device=model.device)
        own = torch.tensor(self._lengths, device=model.device)[:, None]
        self._mask = (columns >= self._width - own).long()
        self._positions = columns - (self._width - own)
        self._rows = list(range(len(known)))
        self.left: dict[int, Tensor] = {}
        """Row → keys and values of its prefix and of what it wrote, but for its last token."""

    def __call__(self, ids: Tensor) -> Tensor:
        """Take in a token of each row; return the logits behind it."""
        begin, self._seen = self._seen, self._seen + 1
        positions = self._positions[:, begin : self._seen].clamp(min=0)
        logits, _ = self._model(ids[:, None], self._mask[:, : self._seen], positions, self._keys.cache)
        return logits

    def keep(self, going: Tensor, counts: Sequence[int]) -> bool:
        """Drop the rows that are not marked."""
        marks = going.tolist()
        for place, (row, marked) in enumerate(zip(self._rows, marks, strict=True)):
            if self._remember and not marked:
                begin = self._width - self._lengths[row]
                self.left[row] = self._keys.row(place, slice(begin, self._width + counts[row] - 1))
        kept = going.nonzero().squeeze(1)
        if len(kept):
            self._keys.keep(kept)
            self._mask, self._positions = self._mask[kept], self._positions[kept]
        self._rows = [row for row, marked in zip(self._rows, marks, strict=True) if marked]
        return True


class PlainPasses:
    """Passes with the cache that the model makes for itself."""

    def __init__(self, model: Model, prefixes: Sequence[Sequence[int]], pad_id: int, room: int) -> None:
        """Prepare; `read` comes first.

        Args:
            model: What is called.
            prefixes: Token ids.
            pad_id: Any token; it is masked.
            room: How many tokens are going to be taken in.
        """
        self._model = model
        width = max(map(len, prefixes))
        self._ids = torch.full((len(prefixes), width), pad_id)
        mask = torch.ones((len(prefixes), width + room), dtype=torch.long)
        for row, prefix in enumerate(prefixes):
            self._ids[row, width - len(prefix) :] = torch.tensor(prefix)
            mask[row, : width - len(prefix)] = 0
        self._mask = mask.to(model.device)
        self._positions = (self._mask.cumsum(-1) - 1).clamp_(min=0)
        self._seen = 0
        self._cache: Any = None

    def read(self) -> Tensor:
        """Take in the prefixes; return the logits behind them."""
        return self._pass(self._ids.to(self._model.device))

    def __call__(self, ids: Tensor) -> Tensor:
        """Take in a token of each row; return the logits behind it."""
        return self._pass(ids[:, None])

    def keep(self, going: Tensor, counts: Sequence[int]) -> bool:
        """Drop the rows that are not marked, if the cache is of a kind that can."""
        del counts
        layers = getattr(self._cache, "layers", None)
        if not layers or not all(isinstance(layer, DynamicLayer) for layer in layers):
            return False
        kept = going.nonzero().squeeze(1)
        if not len(kept):
            return True
        self._cache.batch_select_indices(kept)
        self._mask, self._positions = self._mask[kept], self._positions[kept]
        return True

    def _pass(self, ids: Tensor) -> Tensor:
        begin, self._seen = self._seen, self._seen + ids.shape[1]
        positions = self._positions[:, begin : self._seen]
        logits, self._cache = self._model(ids, self._mask[:, : self._seen], positions, self._cache)
        return logits


def key_of(ids: Sequence[int]) -> bytes:
    """Return token ids as a key of which any beginning is one too."""
    return array("i", ids).tobytes()


_SIZE = array("i").itemsize


def _length(known: Tensor | None) -> int:
    return 0 if known is None else known.shape[2]


def _buckets(sized: Sequence[tuple[bytes, int]], most: int) -> Iterator[list[bytes]]:
    """Yield what is about as long together, at most `most`; the longest come first."""
    bucket: list[bytes] = []
    longest = 0
    for key, size in sized:
        if bucket and (size < longest * _ALIKE or len(bucket) == most):
            yield bucket
            bucket = []
        if not bucket:
            longest = size
        bucket.append(key)
    if bucket:
        yield bucket
