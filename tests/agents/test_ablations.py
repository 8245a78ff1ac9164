"""The ablations: cells that differ in what they say, results that are what the episodes say, and two cells trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ablation_cells import BASE, CELLS, Cell, cell_of, chosen
from benchmarks.ablation_results import Run, results_of, table_of
from benchmarks.ablations import Plan, main, read_plan
from tests.agents.training.running import TINY
from tool_gym.agents.prefixes import oracle_episodes
from tool_gym.agents.training.settings import flat
from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import open_pack
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.rewards import get_reward
from tool_gym.summary import rescored
from tool_gym.trajectory import Trajectory, write_trajectories

PACK = open_pack("everyday")
IDS = [entry.id for entry in PACK.entries("test") if entry.shape == "multi_hop"][:6]
ORACLE = {one.scenario_id: one for one in oracle_episodes(PACK, IDS, get_dialect("hermes"))}


def plan_of(preset: str, *words: str) -> Plan:
    return read_plan(["--preset", preset, *words])[0]


@pytest.mark.parametrize("preset", ["cpu-demo", "gpu-small"])
def test_cells_differ_from_their_reference_in_what_they_set(preset: str) -> None:
    plan = plan_of(preset)
    cells = {cell.name: cell for cell in plan.cells}
    assert list(cells) == [cell.name for cell in CELLS]
    whole = {name: flat(plan.config(cell, 3)) for name, cell in cells.items()}
    for name, cell in cells.items():
        other = cells[cell.against]
        settings = (*cell.settings, *other.settings)
        keys = {".".join(setting.partition("=")[0].split(".")[:3]) for setting in settings}
        differ = {key for key in whole[name] if whole[name][key] != whole[cell.against].get(key)}
        assert bool(differ - {"run.out"}) == (name != BASE)
        assert all(key.startswith((*keys, "run.out", "model.path")) for key in differ)
        assert ("model.path" in differ) == bool(cell.start_settings)
    assert whole[BASE]["env.suite"]
    assert whole[BASE]["run.seeds"] == [3]


def test_a_cell_starts_from_the_shared_start_unless_it_needs_its_own() -> None:
    plan = plan_of("cpu-demo", "--out", "here", "--seeds", "2,5")
    assert plan.seeds == (2, 5)
    cells = {cell.name: cell for cell in plan.cells}
    assert plan.started(cells["rloo"], 5) == str(Path("here/start/base/seed-5/sft/final"))
    assert plan.started(cells["llama"], 5) == str(Path("here/start/llama/seed-5/sft/final"))
    assert plan.start(cells["llama"], 5).model.architecture == "llama"
    assert plan.start(cells["rloo"], 5) == plan.start(cells[BASE], 5)
    given = plan_of("cpu-demo", "--checkpoint", "mine/{seed}")
    assert given.started(cells["rloo"], 5) == "mine/5"
    assert given.started(cells["llama"], 5).endswith("llama/seed-5/sft/final")


def test_one_more_cell_is_a_flag() -> None:
    plan = plan_of("cpu-demo", "--only", "hot", "--cell", "hot@trajectory", "grpo.temperature=1.2")
    assert [cell.name for cell in plan.cells] == [BASE, "trajectory", "hot"]
    assert plan.cells[2] == Cell("hot", ("grpo.temperature=1.2",), "trajectory")
    assert plan.config(plan.cells[2], 0).grpo.temperature == 1.2
    assert plan_of("cpu-demo", "--steps", "7").whole().grpo.steps == 7


def test_what_is_no_cell_is_told() -> None:
    with pytest.raises(UnknownNameError, match=r"no cell named 'rlo'.*rloo"):
        chosen(CELLS, ["rlo"])
    with pytest.raises(AgentError, match="a cell is named by letters"):
        cell_of(["../here", "grpo.steps=1"])
    with pytest.raises(AgentError, match="compared on the same episodes"):
        cell_of(["long", "env.limits.max_turns=9"])
    assert main(["--only", "rloo"]) == 2
    assert main(["--preset", "cpu-demo", "--seeds", "one"]) == 2


def test_the_cells_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "reinforce_pp"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [BASE, "trajectory", "reinforce_pp"]


def clumsy(scenario: str) -> Trajectory:
    """Return the oracle's episode with its first turn made twice."""
    env = ToolUseEnv(PACK)
    env.reset(options={"scenario": scenario})
    first, *rest = ORACLE[scenario].steps
    for step in (first, first, *rest):
        env.step(step.turn.raw)
    return env.trajectory


def silent(scenario: str) -> Trajectory:
    env = ToolUseEnv(PACK)
    env.reset(options={"scenario": scenario})
    env.step("Answer: nothing")
    return env.trajectory


def finished(folder: Path, cell: Cell, seed: int, play: Callable[[str], Trajectory]) -> Run:
    """Write what a run leaves, its last policy playing so; its reward is what the cell says."""
    run = Run(cell, seed, folder / cell.name / f"seed-{seed}", f"train {cell.name}")
    (run.folder / "evaluations").mkdir(parents=True)
    (run.folder / "grpo").mkdir()
    reward = get_reward(next((one.removeprefix("env.reward=") for one in cell.settings if "reward" in one), "solve"))
    for name, players in (("base", silent), ("grpo", play)):
        played = [rescored(players(one), PACK.task(one).scenario, reward) for one in IDS for _ in range(2)]
        write_trajectories(run.folder / "evaluations" / f"{name}.sampled.jsonl", played)
        write_trajectories(run.folder / "evaluations" / f"{name}.greedy.jsonl", played[::2])
    (run.folder / "config.toml").write_text("[grpo]\ngroups = 2\ngroup_size = 4\nsteps = 5\niterations = 2\n")
    (run.folder / "grpo" / "log.json").write_text(json.dumps([{"turns": 2.0}, {"turns": 4.0}, {"step": 5}]))
    (run.folder / "results.json").write_text("{}")
    return run


def test_results_are_what_the_episodes_say(tmp_path: Path) -> None:
    base, farm = Cell(BASE), Cell("farm", ("env.reward=ftrl_rate",))
    runs = [finished(tmp_path, base, 0, ORACLE.__getitem__), finished(tmp_path, farm, 0, clumsy)]
    found = results_of(runs, PACK)
    assert (found["seeds"], found["episodes"]) == ([0], len(IDS))
    first, second = found["cells"]
    worth = [clumsy(scenario).episode_return for scenario in IDS]
    mean = sum(worth) / len(worth)
    assert first["sampled"]["return"]["over_episodes"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert first["sampled"]["over_reference"] is None
    gain = second["greedy"]["over_reference"]["over_episodes"]
    assert gain["mean"] == pytest.approx(mean - 1)
    assert gain["low"] <= gain["mean"] <= gain["high"] < 0
    assert second["sampled"]["over_start"]["of_seeds"] == [pytest.approx(mean)]
    assert second["sampled"]["end"]["exploits"]["duplicates"] == 1
    assert first["sampled"]["end"]["exploits"]["duplicates"] == 0
    assert second["sampled"]["start"]["exploits"]["guessed"] == 1
    assert second["sampled"]["end"]["own_return"] > 1 > second["sampled"]["start"]["own_return"]
    assert second["turns_in_training"] == 3 * 2 * 4 * 3
    table = table_of(found)
    assert f"| farm | `env.reward=ftrl_rate` | {mean:.3f} ±" in table
    assert "| *start* | 0.000 |" in table


def test_with_several_seeds_intervals_are_over_seeds(tmp_path: Path) -> None:
    base, more = Cell(BASE), Cell("more", ("grpo.steps=9",))
    plays: list[Callable[[str], Trajectory]] = [ORACLE.__getitem__, clumsy]
    runs = [finished(tmp_path, cell, seed, play) for cell in (base, more) for seed, play in enumerate(plays)]
    found = results_of(runs[:3], PACK)  # of the second cell, one seed is missing
    first, second = found["cells"]
    bounds = first["sampled"]["return"]["over_seeds"]
    assert bounds["low"] < bounds["mean"] < bounds["high"]
    assert second["sampled"]["over_reference"]["of_seeds"] == [0.0]
    assert second["sampled"]["return"]["over_seeds"]["low"] is None
    assert "Student's t over seeds" in table_of(found)
    assert results_of([], PACK)["cells"] == []
    assert table_of(results_of([], PACK)) == "nothing is finished\n"


@pytest.mark.train
def test_two_cells_are_trained_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    words = ["--config", str(tmp_path / "tiny.toml"), "--out", str(tmp_path / "out"), "--only", "stored_prefix"]
    words += ["--steps", "1", "--set", "sft.steps=1", "--set", "evaluation.every=0"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.err.count("grpo 1/1") == 2
    assert "| stored_prefix | `grpo.rollout=stored_prefix` |" in said.out
    results: dict[str, Any] = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [cell["name"] for cell in results["cells"]] == [BASE, "stored_prefix"]
    assert (tmp_path / "out" / "table.md").read_text(encoding="utf-8") == said.out
    assert main(words) == 0
    again = capsys.readouterr()
    assert "1/1" not in again.err
    assert again.out == said.out
    assert main([*words, "--report"]) == 0
    assert capsys.readouterr().out == said.out
