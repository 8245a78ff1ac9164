"""Base, tuned model and hybrids, loaded one after another and put to the tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.agents.analysis.causal import BASE, TUNED, Played
from tool_gym.agents.analysis.guard import Capability, Guard
from tool_gym.agents.analysis.hybrid import Hybrid, save
from tool_gym.agents.analysis.pairing import Match
from tool_gym.agents.analysis.playing import Suite, play
from tool_gym.agents.analysis.selection import Selection
from tool_gym.agents.analysis.weights import Checkpoint, resolve

EVERYTHING_TUNED = Hybrid("transplant", Selection())
"""The tuned model, as a hybrid."""


class Machine(NamedTuple):
    """Where models run."""

    device: str = "auto"
    dtype: str = "auto"


class Asked(NamedTuple):
    """What is asked of the models; each part may be left out."""

    suite: Suite | None = None
    guard: Guard | None = None
    """Asked of base and tuned only."""
    machine: Machine = Machine()


class Found(NamedTuple):
    """What base, tuned model and hybrids of one pair did."""

    played: Played
    capability: dict[str, Capability]
    """Of `BASE` and `TUNED`."""


def measure(
    matched: Match,
    hybrids: Sequence[Hybrid],
    asked: Asked,
    *,
    base: Found | None = None,
    done: Callable[[int], object] = lambda _: None,
) -> Found:
    """Load base, tuned model and hybrids one after another, and return what each does.

    Args:
        matched: Base and tuned model.
        hybrids: Further models; named by their text.
        asked: What they are asked.
        base: What was found before with the same base, asked the same: it is not asked again.
        done: Told how many models are done.
    """
    from tool_gym.agents.models import load_tokenizer

    tokenizer = load_tokenizer(_with_tokenizer(matched))
    played: Played = {}
    capability: dict[str, Capability] = {}
    models: dict[str, Hybrid | None] = {BASE: None, TUNED: EVERYTHING_TUNED}
    models |= {hybrid.text: hybrid for hybrid in hybrids}
    for number, (name, hybrid) in enumerate(models.items(), 1):
        if name == BASE and base is not None:
            played[BASE], known = base.played.get(BASE, {}), base.capability.get(BASE)
            capability |= {} if known is None else {BASE: known}
            continue
        with _loaded(matched, hybrid, asked.machine) as model:
            if asked.suite is not None:
                played[name] = play(asked.suite, model, tokenizer)
            if asked.guard is not None and name in (BASE, TUNED):
                capability[name] = asked.guard.measure(model, tokenizer)
        done(number)
    return Found(played, capability)


@contextmanager
def _loaded(matched: Match, hybrid: Hybrid | None, machine: Machine) -> Iterator[Any]:
    """Load the base (None) or a hybrid, the latter by way of a folder that is removed afterwards."""
    from tool_gym.agents.models import load_model

    whole = matched.base if hybrid is None else matched.tuned if hybrid == EVERYTHING_TUNED else None
    if isinstance(whole, Checkpoint):
        yield load_model(whole.source, device=machine.device, dtype=machine.dtype)[0]
        return
    with tempfile.TemporaryDirectory(prefix="tool-gym-") as folder:
        save(Path(folder) / "model", matched, hybrid or Hybrid("revert", Selection()))
        model, _ = load_model(Path(folder) / "model", device=machine.device, dtype=machine.dtype)
        yield model


def _with_tokenizer(matched: Match) -> str:
    """Return where the tokenizer that all models share is: with the tuned model, or else with the base."""
    has = resolve(matched.tuned.source, "tokenizer_config.json") is not None
    return (matched.tuned if has else matched.base).source
