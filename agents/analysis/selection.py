"""Choosing layers and modules in words, such as `layers=0-2,modules=mlp`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tool_gym.agents.analysis.names import GROUPS, Place, module_order
from tool_gym.errors import AgentError, UnknownNameError

EVERYTHING = "all"
OUTSIDE = "outside"
"""Names, as a layer, what is in no layer: embeddings, head, last norm."""

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


class Selection(NamedTuple):
    """Some of a model's weights: those in one of the layers and of one of the modules."""

    layers: frozenset[int | None] | None = None
    """Layers; None in it stands for what is in no layer. None: all, and what is in none."""
    modules: frozenset[str] | None = None
    """Modules or groups; None: all."""
    text: str = EVERYTHING
    """How it was written."""

    def has(self, place: Place) -> bool:
        """Return whether a weight at `place` is one of them."""
        of_layer = self.layers is None or place.layer in self.layers
        return of_layer and (self.modules is None or place.module in self.modules or place.group in self.modules)


def parse(text: str) -> Selection:
    """Read a selection: `layers=` and `modules=`, each with names separated by commas; or `all`.

    Layers are numbers, ranges such as 0-2 (both ends included) and `outside`. Modules are names such as q, k, v, o,
    gate, up, down, or groups: attention, mlp, norm, embedding, head, other. What is not said is not narrowed.

    Raises:
        AgentError: If it is not of this form.

    >>> parse("layers=0-2,5,modules=mlp").has(Place(1, "up", "mlp"))
    True
    """
    if text.strip() == EVERYTHING:
        return Selection()
    found: dict[str, list[str]] = {}
    key = ""
    for word in text.replace(" ", "").split(","):
        name, equals, value = word.rpartition("=")
        if equals:
            key = name
            if key not in ("layers", "modules") or key in found:
                raise _misread(text)
        if not key or not value:
            raise _misread(text)
        found.setdefault(key, []).append(value)
    layers = frozenset(one for word in found["layers"] for one in _layers(word, text)) if "layers" in found else None
    return Selection(layers, frozenset(found["modules"]) if "modules" in found else None, text.strip())


def check(selection: Selection, places: Iterable[Place]) -> None:
    """Check that a model has what a selection names.

    Raises:
        UnknownNameError: If it has no such layer or module.
        AgentError: If nothing has both.
    """
    known = set(places)
    layers = {place.layer for place in known} | {None}
    missing = sorted(layer for layer in (selection.layers or ()) if layer is not None and layer not in layers)
    if missing:
        last = max((layer for layer in layers if layer is not None), default=-1)
        msg = f"{selection.text!r} names layer {missing[0]}; this model has the layers 0 to {last}"
        raise UnknownNameError(msg)
    modules = {place.module for place in known} | {place.group for place in known} | set(GROUPS)
    for module in sorted(selection.modules or ()):
        if module not in modules:
            error = UnknownNameError.of("module", module, modules)
            raise error
    if not any(map(selection.has, known)):
        msg = f"{selection.text!r} selects nothing in this model: no weight is in those layers and of those modules"
        raise AgentError(msg)


def by_layers(places: Iterable[Place], size: int) -> list[Selection]:
    """Return selections that part a model into groups of `size` neighbouring layers, and what is in none.

    Raises:
        AgentError: If `size` is below 1.
    """
    if size < 1:
        msg = f"a group needs at least 1 layer, not {size}"
        raise AgentError(msg)
    known = {place.layer for place in places}
    numbers = sorted(layer for layer in known if layer is not None)
    found = []
    for start in range(0, len(numbers), size):
        some = numbers[start : start + size]
        text = f"layers={some[0]}" + (f"-{some[-1]}" if len(some) > 1 else "")
        found.append(Selection(frozenset(some), None, text))
    return found + ([Selection(frozenset({None}), None, f"layers={OUTSIDE}")] if None in known else [])


def by_modules(places: Iterable[Place]) -> list[Selection]:
    """Return selections that part a model into its modules, over all layers."""
    names = {place.module for place in places}
    return [Selection(None, frozenset({name}), f"modules={name}") for name in sorted(names, key=module_order)]


def _layers(word: str, text: str) -> Iterable[int | None]:
    if word == OUTSIDE:
        return (None,)
    found = _RANGE.fullmatch(word)
    if found is None:
        raise _misread(text)
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first or last - first > 9999:
        raise _misread(text)
    return range(first, last + 1)


def _misread(text: str) -> AgentError:
    return AgentError(
        f"cannot read the selection {text[:80]!r}; say for example layers=0-2,modules=mlp or layers=3,7,modules=q,k"
    )
