"""The causal test: which layers and modules carry a gain.

Sufficiency: the change of some weights put alone into the base.  Share = (base+Δ − base) / (tuned − base).
Necessity: the change of some weights taken alone out of the tuned model.  Share = (tuned − (tuned−Δ)) / (tuned − base).

All models play the same episodes, and intervals are paired by episode. This module does the sums; `running` runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tool_gym.agents.analysis.bootstrap import Estimate, difference, draws, mean, ratio
from tool_gym.agents.analysis.hybrid import Hybrid
from tool_gym.agents.analysis.playing import FIGURES, Episodes, values
from tool_gym.agents.analysis.selection import Selection

BASE = "base"
TUNED = "tuned"

Played = dict[str, dict[str, Episodes]]
"""Model → way of decoding → each episode's figures."""


class Resampling(NamedTuple):
    """How intervals are drawn."""

    resamples: int = 2000
    seed: int = 0


class Row(NamedTuple):
    """One model's figures on the suite."""

    model: str
    decoding: str
    figures: dict[str, Estimate]
    """Figure → its mean over episodes, with its interval."""
    gains: dict[str, Estimate]
    """Figure → its difference from the base, paired by episode."""


class Share(NamedTuple):
    """What some weights carry of the gain."""

    label: str
    sufficient: Estimate
    necessary: Estimate


def rows(played: Played, resampling: Resampling) -> list[Row]:
    """Return the table of all models: means, and paired differences from the base, with 95 % intervals."""
    found = []
    for model, of_model in played.items():
        for decoding, episodes in of_model.items():
            before = played[BASE][decoding]
            drawn = draws(len(before), resamples=resampling.resamples, seed=resampling.seed)
            figures = {name: mean(values(episodes, name), drawn) for name in FIGURES}
            gains = {name: difference(values(episodes, name), values(before, name), drawn) for name in FIGURES}
            found.append(Row(model, decoding, figures, gains))
    return found


def sweep(selections: Sequence[Selection]) -> list[Hybrid]:
    """Return the hybrids that ask each selection for itself, by transplant and by revert."""
    return [Hybrid(way, selection) for selection in selections for way in ("transplant", "revert")]


def shares(
    played: Played, selections: Sequence[Selection], figure: str, decoding: str, resampling: Resampling
) -> list[Share]:
    """Return what each selection of a sweep carries of the gain in one figure.

    A share does not exist where the interval of the gain itself holds zero.
    """
    of = {model: values(of_model[decoding], figure) for model, of_model in played.items()}
    drawn = draws(len(of[BASE]), resamples=resampling.resamples, seed=resampling.seed)
    whole = (of[TUNED], of[BASE])
    return [
        Share(
            selection.text,
            ratio((of[Hybrid("transplant", selection).text], of[BASE]), whole, drawn),
            ratio((of[TUNED], of[Hybrid("revert", selection).text]), whole, drawn),
        )
        for selection in selections
    ]
