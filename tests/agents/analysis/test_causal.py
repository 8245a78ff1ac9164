"""The sums of the causal test and what a report holds, without torch."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tool_gym.agents.analysis.bootstrap import Estimate
from tool_gym.agents.analysis.causal import Resampling, Share, rows, shares, sweep
from tool_gym.agents.analysis.change import sums
from tool_gym.agents.analysis.harness import Metric, metrics
from tool_gym.agents.analysis.job import Order, check
from tool_gym.agents.analysis.names import Place
from tool_gym.agents.analysis.pairing import Moved
from tool_gym.agents.analysis.playing import Suite
from tool_gym.agents.analysis.report import (
    Analysis,
    Run,
    Sweep,
    changes,
    described,
    over_runs,
    table_of_weights,
    totals,
)
from tool_gym.agents.analysis.running import Asked
from tool_gym.agents.analysis.selection import by_layers, parse
from tool_gym.envs.pack import MemoryPack
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.summary import Summary

PLACES = [Place(0, "up", "mlp"), Place(1, "q", "attention"), Place(None, "lm_head", "head")]
LAYERS = by_layers(PLACES, 1)
QUICK = Resampling(resamples=300, seed=3)


def episodes(values: list[float]) -> list[Summary]:
    return [Summary("", 1, None if value == 0 else value, value, value, value, value, 1.0) for value in values]


def played(gains: dict[str, float]) -> dict[str, dict[str, list[Summary]]]:
    """Eight episodes of which the base earns .1 each, and every other model so much more."""
    of = {model: {"greedy": episodes([0.1 + gain] * 8)} for model, gain in gains.items()}
    return {"base": {"greedy": episodes([0.1] * 8)}} | of


def test_a_sweep_asks_each_part_both_ways() -> None:
    assert [hybrid.text for hybrid in sweep(LAYERS)] == [
        "base + layers=0",
        "tuned − layers=0",
        "base + layers=1",
        "tuned − layers=1",
        "base + layers=outside",
        "tuned − layers=outside",
    ]


def test_shares_are_parts_of_the_gain() -> None:
    gains = {"tuned": 0.8, "base + layers=0": 0.6, "tuned − layers=0": 0.2, "base + layers=1": 0.0}
    gains |= {"tuned − layers=1": 0.8, "base + layers=outside": -0.08, "tuned − layers=outside": 0.84}
    found = shares(played(gains), LAYERS, "solve_f1", "greedy", QUICK)
    assert [share.label for share in found] == ["layers=0", "layers=1", "layers=outside"]
    assert [share.sufficient.value for share in found] == pytest.approx([0.75, 0.0, -0.1])
    assert [share.necessary.value for share in found] == pytest.approx([0.75, 0.0, -0.05])


def test_without_a_gain_there_is_nothing_to_share() -> None:
    names = [hybrid.text for hybrid in sweep(LAYERS)]
    found = shares(played(dict.fromkeys(["tuned", *names], 0.0)), LAYERS, "solve_r", "greedy", QUICK)
    assert [share.sufficient for share in found] == [Estimate(None)] * 3
    assert [share.necessary for share in found] == [Estimate(None)] * 3


def test_the_table_pairs_every_model_with_the_base() -> None:
    found = {row.model: row for row in rows(played({"tuned": 0.5}), QUICK)}
    assert found["tuned"].figures["mean_return"].value == pytest.approx(0.6)
    assert found["tuned"].gains["mean_return"].low == pytest.approx(0.5)
    assert found["base"].gains["mean_return"] == Estimate(0.0, 0.0, 0.0)


def test_precision_leaves_out_episodes_without_a_call() -> None:
    table = {"base": {"greedy": episodes([0.0, 0.0, 0.5, 0.5])}, "tuned": {"greedy": episodes([0.0] * 4)}}
    base, tuned = rows(table, QUICK)
    assert base.figures["solve_p"].value == 0.5
    assert base.figures["solve_r"].value == 0.25
    assert tuned.figures["solve_p"].value is None
    assert tuned.gains["solve_p"].value is None


def run(source: str, moves: float) -> Run:
    one, other = np.ones(4), np.full(2, 2.0)
    moved = [
        Moved("up", PLACES[0], sums(one, one + moves)),
        Moved("up.bias", PLACES[0], sums(other, other)),
        Moved("q", PLACES[1], sums(one, one)),
        Moved("lm_head", PLACES[2], sums(other, other + moves)),
    ]
    return Run(source, moved)


def test_a_report_holds_each_run_with_mean_and_spread() -> None:
    analysis = Analysis("b", [run("one", 1.0), run("two", 3.0)], [], [], [])
    found = json.loads(json.dumps(described(analysis), allow_nan=False))
    up = next(row for row in found["changes"] if row["module"] == "up")
    assert (up["layer"], up["group"], up["entries"]) == (0, "mlp", 6)
    relative = [np.sqrt(4 * 1 / 12), np.sqrt(4 * 9 / 12)]  # weight and bias are one module: ‖W‖² = 4·1 + 2·4
    assert up["relative"]["runs"] == pytest.approx(relative)
    assert up["relative"]["mean"] == pytest.approx(sum(relative) / 2)
    assert up["relative"]["deviation"] == pytest.approx(np.std(relative, ddof=1))
    assert found["totals"]["everything"]["entries"] == 12
    assert found["totals"]["all attention"]["relative"]["mean"] == 0


def test_layers_come_first_and_totals_add_up() -> None:
    runs = [run("one", 1.0)]
    assert [place.layer for place in changes(runs)] == [0, 1, None]
    of_module = {name: of[0] for name, of in totals(runs).items()}
    assert sum(of_module[name].entries for name in ("up", "q", "lm_head")) == of_module["everything"].entries


def test_the_csv_lists_every_weight_of_every_run() -> None:
    found = list(csv.DictReader(io.StringIO(table_of_weights([run("one", 1.0), run("two", 0.0)]))))
    assert len(found) == 8
    assert found[0]["weight"] == "up"
    assert float(found[0]["relative"]) == 1.0
    assert found[3]["layer"] == ""


def test_shares_over_runs_are_mean_and_range() -> None:
    one, other = Share("layers=0", Estimate(0.2), Estimate(None)), Share("layers=0", Estimate(0.6), Estimate(0.5))
    assert over_runs([one]) is one
    merged = over_runs([one, other])
    assert merged.sufficient == Estimate(pytest.approx(0.4), 0.2, 0.6)  # type: ignore[arg-type]  # stands for a float
    assert merged.necessary == Estimate(0.5, 0.5, 0.5)
    sweeps = [Sweep("layers", "greedy", "solve_f1", [[one], [other]])]
    found = described(Analysis("b", [run("one", 1.0), run("two", 1.0)], [], sweeps, []))
    assert found["sweeps"][0]["runs"]["two"][0]["alone"]["value"] == 0.6


def test_figures_are_read_from_the_harness() -> None:
    results: dict[str, dict[str, Any]] = {
        "gsm": {"alias": "gsm", "exact_match,strict": 0.25, "exact_match_stderr,strict": "N/A", "samples": 4},
        "arc": {"acc,none": 0.5, "acc_stderr,none": 0.125},
    }
    assert metrics(results) == [
        Metric("gsm", "exact_match,strict", 0.25, None),
        Metric("arc", "acc", 0.5, 0.125),
    ]


SUITE = Suite(MemoryPack([]), ())
BAD_ORDERS = {
    "hybrid without suite": (Order("b", ("t",), hybrids=tuple(sweep(LAYERS))), "say --suite"),
    "sweep without suite": (Order("b", ("t",), sweeps=("layers",)), "say --suite"),
    "unknown sweep": (Order("b", ("t",), sweeps=("layer",), asked=Asked(SUITE)), "Did you mean 'layers'"),
    "unknown figure": (Order("b", ("t",), figure="f1"), "no figure named 'f1'"),
    "unknown decoding": (Order("b", ("t",), asked=Asked(SUITE._replace(decodings=("beam",)))), "greedy, sampled"),
}


@pytest.mark.parametrize("name", BAD_ORDERS, ids=BAD_ORDERS)
def test_orders_that_cannot_be_carried_out_are_refused_at_once(name: str) -> None:
    order, says = BAD_ORDERS[name]
    with pytest.raises((AgentError, UnknownNameError), match=says):
        check(order)


def test_one_model_is_saved_at_a_time() -> None:
    one = sweep([parse("layers=0")])
    check(Order("b", ("t",), hybrids=(one[0],), save=Path("new")))
    for order in (
        Order("b", ("t",), hybrids=tuple(one), save=Path("new")),
        Order("b", ("t", "u"), hybrids=(one[0],), save=Path("new")),
    ):
        with pytest.raises(AgentError, match="--save writes one model"):
            check(order)
