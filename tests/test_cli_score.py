"""`tool-gym score`: any rewards side by side, episode by episode, and trajectories paid anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD, oracle_turns, play
from tool_gym.cli import main
from tool_gym.envs.pack_writer import write_pack
from tool_gym.rewards import REWARDS, get_reward, score
from tool_gym.trajectory import Trajectory, read_trajectories, write_trajectories
from tool_gym.turns import Turn

NAMES = ["multi_hop", "write", "ask"]


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "hand"
    halves = [("test", SCENARIOS[name]) for name in [*WITH_ORACLE, "imported"]]
    write_pack(folder, halves, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], suite: Path) -> Run:
    def ran(*arguments: object) -> Ran:
        status = main(["score", *map(str, arguments), "--suite", str(suite)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(status, out, err)

    return ran


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """Return a file of honest and silent episodes."""
    path = tmp_path / "played.jsonl"
    episodes = []
    for name in NAMES:
        for policy, turns in (("honest", oracle_turns(SCENARIOS[name])), ("silent", [Turn("")])):
            episodes.append(play(SCENARIOS[name], turns)._replace(policy=policy, reward="solve", pack="hand", seed=7))
    write_trajectories(path, episodes)
    return path


def test_all_rewards_stand_side_by_side(run: Run, played: Path) -> None:
    found = run(played, "--reward", "all", "--json").json
    honest, silent = (row["returns"] for row in found["policies"])
    assert list(honest) == list(REWARDS)
    assert honest["solve"] == honest["step_grained"] == pytest.approx(1)
    assert honest["tool_match"] == pytest.approx(3)
    assert silent["solve"] == silent["step_grained"] == 0
    assert silent["tool_match"] == -3
    shown = run(played, "--reward", "all").out
    assert all(f"return ({name})" in shown for name in REWARDS)


def test_a_name_may_carry_parameters(run: Run, played: Path) -> None:
    lines = ["step_grained:mode=mean", "step_grained:mode=mean:contribution=provenance", "solve:beta=2", "solve"]
    found = run(played, "--reward", ",".join(lines), "--json").json
    returns = found["policies"][0]["returns"]
    assert list(returns) == lines
    assert returns["step_grained:mode=mean"] == pytest.approx((3 + 2 + 3) / 3)


def test_each_episode_has_its_row(run: Run, played: Path) -> None:
    found = run(played, "--reward", "solve,tool_match", "--per-episode", "--json").json
    assert [row["scenario_id"] for row in found["episodes"]] == [SCENARIOS[name].id for name in NAMES for _ in range(2)]
    assert found["episodes"][0] == {
        "scenario_id": SCENARIOS["multi_hop"].id,
        "policy": "honest",
        "seed": 7,
        "reward": "solve",
        "paid": pytest.approx(1),
        "returns": {"solve": pytest.approx(1), "tool_match": pytest.approx(3)},
    }
    assert "episodes" not in run(played, "--json").json
    heading, *rows = run(played, "--reward", "solve,tool_match", "--per-episode").out.splitlines()
    assert heading.split()[:5] == ["scenario", "policy", "seed", "paid", "by"]
    assert rows[0].split() == [SCENARIOS["multi_hop"].id, "honest", "7", "solve", "1.000", "1.000", "3.000"]
    assert len(rows) == 2 * len(NAMES)


@pytest.mark.parametrize("reward", ["tool_match", "step_grained:mode=mean:contribution=provenance"])
def test_trajectories_can_be_paid_anew(run: Run, played: Path, tmp_path: Path, reward: str) -> None:
    out = tmp_path / "paid.jsonl"
    ran = run(played, "--reward", reward, "--out", out)
    assert ran.status == 0
    assert f"trajectories paid by {reward} are in {out}" in ran.err
    for before, after in zip(read_trajectories(played), read_trajectories(out), strict=True):
        scenario = next(one for one in SCENARIOS.values() if one.id == before.scenario_id)
        scored = score(get_reward(reward), scenario, before)
        assert [step.reward for step in after.steps] == [step.delta for step in scored.steps]
        assert [step.parts for step in after.steps] == [step.parts for step in scored.steps]
        assert after.reward == reward
        assert after._replace(steps=before.steps, reward="solve") == before
    assert run(out, "--json").json["differing"] == 0


def test_the_file_that_is_scored_is_never_written(run: Run, played: Path, tmp_path: Path) -> None:
    before = played.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(played)
    (tmp_path / "twin.jsonl").hardlink_to(played)
    for name in ("played.jsonl", "link.jsonl", "twin.jsonl"):
        ran = run(played, "--out", tmp_path / name)
        assert (ran.status, ran.out) == (2, "")
        assert "--out is the file that is scored" in ran.err
    assert played.read_bytes() == before


def test_one_reward_pays_trajectories(run: Run, played: Path, tmp_path: Path) -> None:
    ran = run(played, "--reward", "solve,ftrl_f1", "--out", tmp_path / "paid.jsonl")
    assert ran.status == 2
    assert "2 are named: solve, ftrl_f1" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["played.jsonl"]


def test_a_damaged_record_leaves_nothing_half_written(run: Run, played: Path, tmp_path: Path) -> None:
    out = tmp_path / "paid.jsonl"
    out.write_text("what was there", encoding="utf-8")
    with played.open("a", encoding="utf-8") as file:
        file.write("{}\n")
    ran = run(played, "--out", out)
    assert (ran.status, ran.out) == (2, "")
    assert f"played.jsonl, line {2 * len(NAMES) + 1}" in ran.err
    assert out.read_text(encoding="utf-8") == "what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["paid.jsonl", "played.jsonl"]


def with_a_record(played: Path) -> None:
    record = play(SCENARIOS["imported"], [Turn("Answer: Rotterdam")])._replace(policy="honest", reward="solve")
    write_trajectories(played, [*read_trajectories(played), record])


def test_what_a_reward_cannot_score_is_left_out_and_told(run: Run, played: Path, tmp_path: Path) -> None:
    with_a_record(played)
    ran = run(played, "--reward", "all", "--per-episode", "--json")
    assert ran.json["episodes"][-1]["returns"]["tool_match"] is None
    assert ran.json["policies"][0]["returns"]["tool_match"] == pytest.approx(3)
    assert "1 trajectories cannot be scored by tool_match" in ran.err
    assert "–" in run(played, "--reward", "tool_match", "--per-episode").out.splitlines()[-1]
    strict = run(played, "--reward", "tool_match", "--out", tmp_path / "paid.jsonl")
    assert strict.status == 2
    assert f"trajectory {2 * len(NAMES) + 1}: tool_match compares calls" in strict.err


def test_a_reward_with_parameters_is_compared_as_what_it_is(run: Run, played: Path) -> None:
    mean = get_reward("step_grained:mode=mean")
    paid = play(SCENARIOS["multi_hop"], oracle_turns(SCENARIOS["multi_hop"]), mean)._replace(reward=mean.name)
    unknown: list[Trajectory] = [paid._replace(reward=name) for name in ("step_grained:mode=other", "mine", "a:b")]
    write_trajectories(played, [paid, paid._replace(reward="step_grained"), *unknown])
    ran = run(played, "--json")
    assert ran.json["differing"] == 1
    assert "3 trajectories were paid by a reward of no known name" in ran.err


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("solv", "Did you mean 'solve'"),
        ("solve:beta=two", "solve:beta must be a number"),
        ("solve:bta=2", "no parameter of solve named 'bta'"),
        ("step_grained:mode=meen", "Did you mean 'mean'"),
    ],
)
def test_a_mistaken_reward_is_told_in_one_line(run: Run, played: Path, reward: str, message: str) -> None:
    ran = run(played, "--reward", reward)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert message in ran.err
