"""The weights of two checkpoints side by side, and what each holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tool_gym.agents.analysis.change import Sums, is_finite, sums, total
from tool_gym.agents.analysis.names import Part, Place, fused, is_buffer, stem
from tool_gym.agents.analysis.weights import HEAD, TIED, Weights
from tool_gym.errors import AgentError


class Pair(NamedTuple):
    """One weight in both checkpoints."""

    name: str
    """Its name in the base, or in the tuned model where the base ties what the tuned one stores."""
    base: str
    """The tensor to read from the base."""
    tuned: str
    """The tensor to read from the tuned model."""
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    """The modules it holds; most hold one."""


class Match(NamedTuple):
    """Two checkpoints of one architecture, weight by weight."""

    base: Weights
    tuned: Weights
    pairs: tuple[Pair, ...]

    @property
    def places(self) -> frozenset[Place]:
        """The layers and modules there are."""
        return frozenset(part.place for pair in self.pairs for part in pair.parts)


class Moved(NamedTuple):
    """How far one module's share of one weight moved."""

    name: str
    place: Place
    sums: Sums


def match(base: Weights, tuned: Weights) -> Match:
    """Match the weights of two checkpoints of one architecture, by names without what wraps the network.

    Raises:
        AgentError: Naming the first difference, if they do not have the same weights of the same shapes.
    """
    _check_type(base, tuned)
    before, after = _stored(base), _stored(tuned)
    found = []
    for key in before | after:
        if key == HEAD and not (key in before and key in after) and (base if key in before else tuned).config.get(TIED):
            continue  # stored twice by one of the two: the embedding under another name
        one, other = _name(before, key), _name(after, key)
        if one is None or other is None:
            lacking, having = (base, tuned) if one is None else (tuned, base)
            msg = f"{having.source} has the weight {one or other}, {lacking.source} has not: not one architecture"
            raise AgentError(msg)
        shape = base.headers[one].shape
        if shape != tuned.headers[other].shape:
            msg = (
                f"{one} has shape {list(shape)} in {base.source} and {list(tuned.headers[other].shape)} "
                f"in {tuned.source}: only checkpoints of one size can be compared"
            )
            raise AgentError(msg)
        name = before.get(key) or after[key]
        found.append(Pair(name, one, other, shape, tuple(fused(name, shape, base.config))))
    return Match(base, tuned, tuple(found))


def measured(matched: Match, done: Callable[[int], object] = lambda _: None) -> Iterator[Moved]:
    """Yield how far each module's share of each weight moved; two tensors are in memory at a time.

    Args:
        matched: What is compared.
        done: Told how many weights are measured.

    Raises:
        AgentError: If a weight holds a not-a-number or an infinity.
    """
    base, tuned = matched.base, matched.tuned
    for number, pair in enumerate(matched.pairs, 1):
        before, after = _array(base.read(pair.base)), _array(tuned.read(pair.tuned))
        for part in pair.parts:
            moved = sums(cut(before, part), cut(after, part))
            if not is_finite(moved):
                worse = base if not np.isfinite(before).all() else tuned
                msg = f"{pair.name} of {worse.source} holds a not-a-number or an infinity: the model is broken"
                raise AgentError(msg)
            yield Moved(pair.name, part.place, moved)
        done(number)


def cut(tensor: Any, part: Part) -> Any:
    """Return the share of a tensor or array that belongs to one module, as a view."""
    if part.start is None:
        return tensor
    index = [slice(None)] * tensor.ndim
    index[part.axis] = slice(part.start, part.stop)
    return tensor[tuple(index)]


def cells(moved: Sequence[Moved]) -> dict[Place, Sums]:
    """Return the sums by layer and module; a weight and its bias are one module."""
    found: dict[Place, list[Sums]] = {}
    for one in moved:
        found.setdefault(one.place, []).append(one.sums)
    return {place: total(parts) for place, parts in found.items()}


def types(weights: Weights) -> str:
    """Return the number type of most of a checkpoint's entries, such as BF16."""
    count: Counter[str] = Counter()
    for header in weights.headers.values():
        count[header.dtype] += int(np.prod(header.shape))
    return count.most_common(1)[0][0] if count else "none"


def _stored(weights: Weights) -> dict[str, str]:
    """Return the checkpoint's weights by the names that all releases of a model share."""
    names = [name for name in weights.headers if not is_buffer(name)]
    short = {stem(name): name for name in names}
    return short if len(short) == len(names) else {name: name for name in names}


def _name(stored: dict[str, str], key: str) -> str | None:
    """Return the tensor of that name; a head that is not stored is the embedding."""
    if key == HEAD and key not in stored:
        return next((stored[name] for name in ("embed_tokens.weight", "wte.weight") if name in stored), None)
    return stored.get(key)


def _check_type(base: Weights, tuned: Weights) -> None:
    one, other = base.config.get("model_type"), tuned.config.get("model_type")
    if one != other:
        msg = (
            f"{base.source} is a {one} model and {tuned.source} a {other} model: only one architecture can be compared"
        )
        raise AgentError(msg)


def _array(tensor: Any) -> Any:
    return tensor.float().numpy() if tensor.is_floating_point() else tensor.double().numpy()
