"""One analysis from its order to its findings: what `tool-gym analyze` runs."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from tool_gym.agents.analysis import playing, selection
from tool_gym.agents.analysis.adapter import open_weights
from tool_gym.agents.analysis.causal import Resampling, rows, shares, sweep
from tool_gym.agents.analysis.hybrid import Hybrid, save
from tool_gym.agents.analysis.pairing import Match, match, measured, types
from tool_gym.agents.analysis.playing import FIGURES
from tool_gym.agents.analysis.report import Analysis, Run, Sweep
from tool_gym.agents.analysis.running import Asked, Found, measure
from tool_gym.agents.analysis.selection import Selection
from tool_gym.agents.analysis.weights import Weights
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.progress import progress

SWEEPS = ("layers", "modules")

_NO_FUNCTION = ("torch_dtype", "dtype", "transformers_version", "use_cache", "_name_or_path", "architectures")
"""Keys of config.json that do not change what a model computes; nor do those that end in `token_id`."""


class Order(NamedTuple):
    """What is to be analysed."""

    base: str
    """Folder or Hugging Face id of the model before."""
    tuned: tuple[str, ...]
    """Those of the models after, or of adapters: one, or several of several seeds."""
    hybrids: tuple[Hybrid, ...] = ()
    """Models of both that are scored or written."""
    sweeps: tuple[str, ...] = ()
    """Names of `SWEEPS`."""
    group: int = 1
    """Neighbouring layers that a sweep takes together."""
    figure: str = "solve_f1"
    """One of `playing.FIGURES`: whose gain a sweep divides."""
    asked: Asked = Asked()
    resampling: Resampling = Resampling()
    save: Path | None = None
    """Folder that the one hybrid is written to."""


def check(order: Order) -> None:
    """Check what can be checked before anything is read.

    Raises:
        UnknownNameError: If a sweep, figure or way of decoding is not known.
        AgentError: If parts of the order are missing.
    """
    for kind, names, known in (("sweep", order.sweeps, SWEEPS), ("figure", (order.figure,), FIGURES)):
        for name in names:
            if name not in known:
                error = UnknownNameError.of(kind, name, known)
                raise error
    if order.asked.suite is not None:
        playing.check(order.asked.suite)
    elif order.sweeps or (order.hybrids and order.save is None):
        msg = "a transplant, revert or sweep is scored on a suite: say --suite PACK (or --save DIR to keep the model)"
        raise AgentError(msg)
    if order.save is not None and (len(order.hybrids) != 1 or len(order.tuned) != 1):
        msg = (
            "--save writes one model: give one TUNED and one --transplant or --revert, "
            f"not {len(order.tuned)} and {len(order.hybrids)}"
        )
        raise AgentError(msg)


def run(order: Order) -> Analysis:
    """Return what was found.

    Raises:
        AgentError: If models cannot be read, compared or run.
        UnknownNameError: If a selection names a layer or module that the models do not have.
    """
    check(order)
    analysis = Analysis(order.base, [], [], [Sweep(*one, []) for one in _sweeps(order)], [])
    base: Found | None = None
    with ExitStack() as stack:
        before = stack.enter_context(closing(open_weights(order.base)))
        pairs = [match(before, stack.enter_context(closing(open_weights(one, before)))) for one in order.tuned]
        for matched in pairs:
            for hybrid in order.hybrids:
                selection.check(hybrid.selection, matched.places)
        for matched in pairs:
            analysis.runs.append(_compared(matched))
            if order.save is not None:
                save(order.save, matched, order.hybrids[0])
            base = _asked(order, matched, analysis, base)
    return analysis


def _sweeps(order: Order) -> list[tuple[str, str, str]]:
    decodings = order.asked.suite.decodings if order.asked.suite is not None else ()
    return [(over, decoding, order.figure) for over in order.sweeps for decoding in decodings]


def _compared(matched: Match) -> Run:
    with progress(f"comparing {matched.tuned.source}", len(matched.pairs)) as done:
        return Run(matched.tuned.source, list(measured(matched, done)), _notes(matched))


def _asked(order: Order, matched: Match, analysis: Analysis, base: Found | None) -> Found | None:
    """Put the models of one pair to the tests, add what was found, and return it."""
    if order.asked.suite is None and order.asked.guard is None:
        return None
    selections = {over: _parted(over, matched, order.group) for over in order.sweeps}
    hybrids = [*order.hybrids, *sweep([one for some in selections.values() for one in some])]
    scored = hybrids if order.asked.suite is not None else []
    with progress("running models", len({hybrid.text for hybrid in scored}) + 2) as done:
        found = measure(matched, scored, order.asked, base=base, done=done)
    if order.asked.suite is not None:
        analysis.rows.append(rows(found.played, order.resampling))
    if order.asked.guard is not None:
        analysis.capability.append(found.capability)
    for one in analysis.sweeps:
        one.runs.append(shares(found.played, selections[one.over], one.figure, one.decoding, order.resampling))
    return found


def _parted(over: str, matched: Match, group: int) -> list[Selection]:
    return selection.by_layers(matched.places, group) if over == "layers" else selection.by_modules(matched.places)


def _notes(matched: Match) -> tuple[str, ...]:
    """Return what makes figures speak of more than training."""
    notes = []
    one, other = types(matched.base), types(matched.tuned)
    if one != other:
        notes.append(f"the base is stored as {one}, the tuned model as {other}: rounding counts as change")
    odd = _differing(matched.base, matched.tuned)
    if odd:
        notes.append(f"config.json differs in {', '.join(odd)}: the models differ in more than weights")
    return tuple(notes)


def _differing(base: Weights, tuned: Weights) -> list[str]:
    one, other = base.config, tuned.config
    keys = sorted(key for key in one.keys() & other.keys() if one[key] != other[key])
    return [key for key in keys if key not in _NO_FUNCTION and not key.endswith("token_id")]
