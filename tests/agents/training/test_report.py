"""Results: rows, gains and intervals from evaluations, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.evaluation import read_evaluations
from tool_gym.agents.training.folder import write_json
from tool_gym.agents.training.report import over_seeds, seed_results, shown, table_of
from tool_gym.agents.training.settings import resolve

STAGES = ("sft", "grpo")


@pytest.fixture
def config() -> TrainConfig:
    return resolve("cpu-demo")


def evaluation(stage: str, value: float, *, step: int = 0, name: str = "", greedy: bool = True) -> dict[str, Any]:
    figures = dict.fromkeys(("solve_p", "solve_r", "solve_f1", "answer_accuracy", "mean_return"), value)
    kind = {**figures, "returns": [[f"s{number}", value + number / 100] for number in (0, 0, 1, 2)]}
    kinds = {"sampled": kind, "greedy": kind} if greedy else {"sampled": kind}
    return {"name": name or stage, "stage": stage, "step": step, **kinds}


def run(base: float, sft: float, grpo: float) -> list[dict[str, Any]]:
    return [
        evaluation("base", base),
        evaluation("sft", 0.9, step=10, name="sft-step-000010"),
        evaluation("sft", sft, step=20),
        evaluation("grpo", grpo, step=5),
    ]


def test_a_row_is_what_a_stage_ended_with(config: TrainConfig) -> None:
    found = seed_results(run(0.0, 0.25, 0.75), STAGES, config)
    assert [(row["policy"], row["sampled_return"]) for row in found["rows"]] == [
        ("base", 0.0),
        ("sft", 0.25),
        ("grpo", 0.75),
    ]
    gain = next(one for one in found["gains"] if one["of"] == "grpo" and one["return"] == "sampled")
    assert (gain["over"], gain["mean"], gain["low"], gain["high"]) == pytest.approx(("sft", 0.5, 0.5, 0.5))


def test_over_seeds_there_are_means_and_intervals(config: TrainConfig) -> None:
    of_seed = {seed: seed_results(run(0.0, 0.2, value), STAGES, config) for seed, value in enumerate((0.4, 0.6, 0.8))}
    found = over_seeds(of_seed, STAGES, config)
    grpo = found["rows"][2]["solve_f1"]
    assert grpo["mean"] == pytest.approx(0.6)
    assert grpo["high"] - grpo["mean"] == pytest.approx(4.302653 * 0.2 / 3**0.5, abs=1e-4)
    gain = next(one for one in found["gains"] if one["of"] == "grpo" and one["return"] == "greedy")
    assert (gain["mean"], gain["seeds"]) == (pytest.approx(0.4), 3)
    assert found["seeds"] == [0, 1, 2]


def test_one_seed_is_reported_as_it_is(config: TrainConfig) -> None:
    one = seed_results(run(0.0, 0.2, 0.4), STAGES, config)
    assert over_seeds({0: one}, STAGES, config) == one


def test_without_greedy_episodes_the_table_has_no_such_column(config: TrainConfig) -> None:
    only = [evaluation(stage, 0.5, greedy=False) for stage in ("base", *STAGES)]
    page = table_of(seed_results(only, STAGES, config))
    assert "greedy return" not in page
    assert "| grpo | 0.500 |" in page


def test_the_table_has_a_row_for_each_policy_and_a_line_for_each_gain(config: TrainConfig) -> None:
    page = table_of(seed_results(run(0.0, 0.25, 0.75), STAGES, config))
    assert [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ")] == [
        "| policy",
        "| base",
        "| sft",
        "| grpo",
    ]
    assert page.count("\n- ") == 4
    assert "reward solve" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.12345, "0.123"),
        ({"mean": 0.5, "low": None, "high": None}, "0.500"),
        ({"mean": 0.5, "low": 0.4, "high": 0.6}, "0.500 ± 0.100"),
    ],
    ids=str,
)
def test_a_figure_is_shown_with_its_half_width(value: Any, text: str) -> None:
    assert shown(value) == text


def test_evaluations_are_read_in_the_order_they_were_made(tmp_path: Path) -> None:
    made = [evaluation("other", 0.1), *run(0.0, 0.2, 0.4)]
    for one in reversed(made):
        write_json(tmp_path / f"{one['name']}.json", one)
    names = [one["name"] for one in read_evaluations(tmp_path, STAGES)]
    assert names == ["base", "sft-step-000010", "sft", "grpo"]
