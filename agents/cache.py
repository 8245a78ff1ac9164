"""Keys and values of a batch in one tensor with room to grow: no copy at each step, and rows that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor


class Shape(NamedTuple):
    """What the keys and values of one token look like."""

    layers: int
    heads: int
    width: int
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, cache: Any) -> Shape | None:
        """Return the shape of a filled cache; None if it is of a kind that `KeyValues` does not stand for."""
        layers = list(getattr(cache, "layers", ())) if type(cache) is DynamicCache else []
        if not layers or not all(type(layer) is DynamicLayer and layer.is_initialized for layer in layers):
            return None
        parts = [part for layer in layers for part in (layer.keys, layer.values)]
        dtype = reduce(torch.promote_types, (part.dtype for part in parts))  # autocast makes keys and values differ
        shapes = {cls(len(layers), part.shape[1], part.shape[3], dtype, part.device) for part in parts}
        return shapes.pop() if len(shapes) == 1 else None


class KeyValues:
    """The keys and values of a batch, as a cache that a model takes.

    The columns of all rows are filled together; which of them a row looks at is up to the attention mask.
    """

    def __init__(self, shape: Shape, rows: Sequence[Tensor | None], columns: int, room: int) -> None:
        """Begin with what is known of each row.

        Args:
            shape: That of each token.
            rows: Keys and values of the rows, as `row` returns them; None for a row of which nothing is known.
            columns: How many columns are filled; each row's own are the last.
            room: How many columns are to fit in behind them.
        """
        size = (2 * shape.layers, len(rows), shape.heads, columns + room, shape.width)
        self._tensor = torch.empty(size, dtype=shape.dtype, device=shape.device)
        for number, known in enumerate(rows):
            begin = columns if known is None else columns - known.shape[2]
            self._tensor[:, number, :, :begin] = 0  # masked, but what is multiplied by 0 must be finite
            if known is not None:
                self._tensor[:, number, :, begin:columns] = known
        self._layers = [_Layer(shape) for _ in range(shape.layers)]
        self._show(columns)
        self.cache = DynamicCache()
        """What a model takes as its past keys and values, and adds to."""
        self.cache.layers = list(self._layers)

    def row(self, number: int, columns: slice) -> Tensor:
        """Return a copy of some columns of a row: [2 x layers, heads, columns, width]."""
        return self._tensor[:, number, :, columns].clone()

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but those numbered."""
        length = self._layers[0].get_seq_length()
        self._tensor = self._tensor.index_select(1, rows)
        self._show(length)

    def _show(self, length: int) -> None:
        for number, layer in enumerate(self._layers):
            layer.look_at(self._tensor[2 * number], self._tensor[2 * number + 1], length)


class _Layer(DynamicLayer):
    """A layer whose keys and values are views."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.dtype, self.device = shape.dtype, shape.device
        self.is_initialized = True

    def look_at(self, keys: Tensor, values: Tensor, length: int) -> None:
        """Look at the first columns of two tensors."""
        self._keys, self._values = keys, values
        self.keys, self.values = keys[:, :, :length], values[:, :, :length]

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Take in keys and values; return all."""
        del args, kwargs
        begin = self.keys.shape[2]
        end = begin + key_states.shape[2]
        self._keys[:, :, begin:end] = key_states
        self._values[:, :, begin:end] = value_states
        self.look_at(self._keys, self._values, end)
        return self.keys, self.values
