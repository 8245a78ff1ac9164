"""Playing whole episodes: `rollout`, the command of that name, and scoring what it wrote again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD, oracle_turns
from tool_gym.cli import main
from tool_gym.cli.rollout import ALL
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.pack_writer import write_pack
from tool_gym.envs.policies import POLICIES, OraclePolicy, get_policy
from tool_gym.envs.rollout import episode_seed, rollout, rollout_many
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.errors import EpisodeError, UnknownNameError
from tool_gym.trajectory import Trajectory, read_trajectories, write_trajectories

PLAYABLE = [SCENARIOS[name] for name in WITH_ORACLE]

HAND = MemoryPack(PLAYABLE, [WORLD], name="hand")
IDS = [scenario.id for scenario in PLAYABLE]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return ran


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "hand"
    pairs = [("test", scenario) for scenario in PLAYABLE]
    write_pack(folder, pairs, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    return folder


@pytest.fixture
def played(run: Run, suite: Path, tmp_path: Path) -> Path:
    path = tmp_path / "played.jsonl"
    status, *_ = run("rollout", "--suite", suite, "--out", path)
    assert status == 0
    return path


# --- the function


def test_the_record_says_who_played_what() -> None:
    env = ToolUseEnv(MemoryPack(PLAYABLE, [WORLD], name="hand"))
    trajectory = rollout(env, OraclePolicy(), seed=3, options={"scenario": PLAYABLE[0].id})
    assert trajectory.scenario_id == PLAYABLE[0].id
    assert (trajectory.policy, trajectory.pack, trajectory.seed, trajectory.reward) == ("oracle", "hand", 3, "solve")
    assert trajectory.terminated
    assert trajectory.episode_return == pytest.approx(1)


def test_an_episode_is_played_to_its_end_in_any_dialect() -> None:
    for dialect in DIALECTS:
        env = ToolUseEnv(MemoryPack(PLAYABLE, [WORLD]), dialect=dialect)
        for name in POLICIES:
            trajectory = rollout(env, get_policy(name), seed=1)
            assert trajectory.terminated is not trajectory.truncated


def test_an_environment_of_another_kind_is_refused() -> None:
    with pytest.raises(EpisodeError, match="needs a ToolUseEnv"):
        rollout(gym.make("CartPole-v1"), OraclePolicy())


# --- many at a time


def many(num_envs: int = 3, mode: str = "Disabled", **kwargs: Any) -> ToolUseVectorEnv:
    return ToolUseVectorEnv(num_envs, HAND, autoreset_mode=mode, max_turns=8, **kwargs)


class Together:
    """Oracles for all rows behind `act_many`: each finds its episode again by its scenario."""

    name = "together"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def act_many(self, observations: list[str], infos: list[dict[str, Any]]) -> list[Any]:
        self.batches.append(len(infos))
        assert len(observations) == len(infos)
        turns: list[Any] = []
        for info in infos:
            right = oracle_turns(HAND.task(info["scenario_id"]).scenario)
            turns.append(right[sum(message["role"] == "assistant" for message in info["messages"])])
        return turns


@pytest.mark.parametrize("mode", ["Disabled", "NextStep"])
@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("num_envs", [1, 4, 40])
def test_many_episodes_are_those_of_a_single_environment_in_order(num_envs: int, name: str, mode: str) -> None:
    env, seeds = ToolUseEnv(HAND, max_turns=8), [*range(7, 7 + len(IDS))]
    alone = [rollout(env, get_policy(name), seed=s, options={"scenario": i}) for s, i in zip(seeds, IDS, strict=True)]
    played = rollout_many(many(num_envs, mode), POLICIES[name], IDS, seed=seeds)
    assert list(played) == alone


def test_one_policy_for_all_rows_is_asked_once_a_step_and_no_row_waits() -> None:
    policy = Together()
    played = list(rollout_many(many(5), policy, IDS * 4))
    assert [trajectory.episode_return for trajectory in played] == [pytest.approx(1)] * (4 * len(IDS))
    assert {trajectory.policy for trajectory in played} == {"together"}
    assert sum(policy.batches) == sum(len(trajectory.steps) for trajectory in played)
    assert policy.batches == sorted(policy.batches, reverse=True)
    assert policy.batches[-8] == 5


def test_seeds_depend_on_the_scenario_and_how_often_it_was_played() -> None:
    both = [*IDS[:4], *IDS[:4]]
    played = [trajectory.seed for trajectory in rollout_many(many(), POLICIES["random"], both, seed=5)]
    assert played[:4] == [episode_seed(5, name) for name in IDS[:4]]
    assert played[4:] == [episode_seed(5, name, 1) for name in IDS[:4]]
    assert len(set(played)) == 8


def test_vector_wrappers_may_stand_around_it() -> None:
    env = RecordEpisodeStatistics(many())
    assert list(rollout_many(env, OraclePolicy, IDS, seed=1)) == list(rollout_many(many(), OraclePolicy, IDS, seed=1))
    assert env.episode_count >= len(IDS)


def test_nothing_to_play_is_played() -> None:
    assert list(rollout_many(many(), OraclePolicy, [])) == []


class Moody(OraclePolicy):
    """Raises in one scenario."""

    def act(self, observation: str, info: dict[str, Any]) -> Any:
        if info["scenario_id"] == IDS[5]:
            raise ZeroDivisionError
        return super().act(observation, info)


class Mute(OraclePolicy):
    """Gives no turn in one scenario."""

    def act(self, observation: str, info: dict[str, Any]) -> Any:
        return None if info["scenario_id"] == IDS[5] else super().act(observation, info)


def test_what_a_policy_raises_goes_through_and_says_where() -> None:
    env = many()
    played = rollout_many(env, Moody, IDS, seed=2)
    with pytest.raises(ZeroDivisionError) as caught:
        list(played)
    [note] = caught.value.__notes__
    assert note.startswith("the policy 'oracle' was playing row ")
    assert note.endswith(f": scenario {IDS[5]}, seed {episode_seed(2, IDS[5])}")
    assert list(rollout_many(env, OraclePolicy, IDS, seed=2)) == list(rollout_many(many(), OraclePolicy, IDS, seed=2))


def test_what_one_policy_for_all_rows_raises_names_some_of_them() -> None:
    class Broken(Together):
        def act_many(self, observations: list[str], infos: list[dict[str, Any]]) -> list[Any]:
            raise ZeroDivisionError(observations, infos)

    with pytest.raises(ZeroDivisionError) as caught:
        list(rollout_many(many(7), Broken(), IDS))
    assert "row 0: scenario" in caught.value.__notes__[0]
    assert caught.value.__notes__[0].endswith(" and 3 more")


def test_turns_that_do_not_fit_are_refused() -> None:
    class Short(Together):
        def act_many(self, observations: list[str], infos: list[dict[str, Any]]) -> list[Any]:
            return super().act_many(observations, infos)[1:]

    with pytest.raises(EpisodeError, match="act_many of the policy 'together' returned 2 turns for 3 episodes"):
        list(rollout_many(many(), Short(), IDS))
    with pytest.raises(EpisodeError, match=rf"no turn \(None\) in row \d, scenario {IDS[5]}"):
        list(rollout_many(many(), Mute, IDS))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((gym.make_vec("CartPole-v1", vectorization_mode="sync"), OraclePolicy, IDS), EpisodeError, "ToolUseVectorEnv"),
        ((many(mode="SameStep"), OraclePolicy, IDS), EpisodeError, "autoreset_mode NextStep or Disabled"),
        ((many(), OraclePolicy(), IDS), EpisodeError, "makes a policy for each row"),
        ((many(), Together, IDS), EpisodeError, "makes a policy for each row"),
        ((many(), OraclePolicy, [*IDS, "nope"]), UnknownNameError, "no scenario named 'nope'"),
        ((many(), OraclePolicy, "nope"), UnknownNameError, "no scenario named 'nope'"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is(
    arguments: tuple[Any, Any, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rollout_many(*arguments)
    with pytest.raises(EpisodeError, match="2 seeds for 3 scenarios"):
        rollout_many(many(), OraclePolicy, IDS[:3], seed=[1, 2])


# --- the command


def test_all_policies_are_shown_in_order(run: Run, suite: Path) -> None:
    status, out, err = run("rollout", "--suite", suite)
    assert status == 0
    title, heading, *rows = out.splitlines()
    assert title.startswith("suite hand, split test")
    assert heading.startswith("policy")
    assert [row.split()[0] for row in rows] == list(ALL)
    assert rows[0].split()[1:] == [str(len(PLAYABLE)), *["1.000"] * 5, rows[0].split()[-1]]
    assert "steps/s" in err


def test_json_holds_no_times_and_is_the_same_twice(run: Run, suite: Path) -> None:
    first, second = (run("rollout", "--suite", suite, "--json")[1] for _ in range(2))
    assert first == second
    found = json.loads(first)
    assert [row["policy"] for row in found["policies"]] == list(ALL)
    assert found["policies"][-1]["solve_p"] is None
    assert found["episodes"] == len(PLAYABLE)


def test_policies_may_be_repeated_or_separated_by_commas(run: Run, suite: Path) -> None:
    chosen = ("--policy", "silent,oracle", "--policy", "silent", "--policy", "random")
    rows = json.loads(run("rollout", "--suite", suite, "--json", *chosen)[1])["policies"]
    assert [row["policy"] for row in rows] == ["silent", "oracle", "random"]


def test_fewer_episodes_are_spread_over_the_split(run: Run, suite: Path, tmp_path: Path) -> None:
    out = tmp_path / "few.jsonl"
    run("rollout", "--suite", suite, "--policy", "oracle", "--episodes", "4", "--out", out)
    ids = [scenario.id for scenario in PLAYABLE]
    assert [trajectory.scenario_id for trajectory in read_trajectories(out)] == [
        ids[n * len(ids) // 4] for n in range(4)
    ]


def test_an_episode_does_not_depend_on_how_many_are_played(run: Run, suite: Path, tmp_path: Path) -> None:
    for name, episodes in (("all", "1000"), ("few", "3")):
        out = tmp_path / f"{name}.jsonl"
        run("rollout", "--suite", suite, "--policy", "random", "--episodes", episodes, "--out", out)
    everything = {t.scenario_id: t for t in read_trajectories(tmp_path / "all.jsonl")}
    assert all(everything[t.scenario_id] == t for t in read_trajectories(tmp_path / "few.jsonl"))
    assert all(t.seed == episode_seed(0, t.scenario_id) for t in everything.values())
    assert episode_seed(0, "a") != episode_seed(1, "a") != episode_seed(1, "b")


def test_trajectories_are_written_scenario_by_scenario(played: Path) -> None:
    found = [(trajectory.scenario_id, trajectory.policy) for trajectory in read_trajectories(played)]
    assert found == [(scenario.id, policy) for scenario in PLAYABLE for policy in ALL]
    assert [path.name for path in played.parent.iterdir()] == [played.name]


def test_another_reward_changes_the_return_only(run: Run, suite: Path) -> None:
    solve, ftrl = (
        json.loads(run("rollout", "--suite", suite, "--json", "--reward", reward)[1])["policies"]
        for reward in ("solve", "ftrl_f1")
    )
    assert solve[0]["mean_return"] == pytest.approx(1)
    assert ftrl[0]["mean_return"] > 1
    for ours, theirs in zip(solve, ftrl, strict=True):
        assert ours | {"mean_return": 0} == theirs | {"mean_return": 0}


@pytest.mark.parametrize("target", ["missing/x.jsonl", ".", "file/x.jsonl", "/dev/null"])
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    run: Run, suite: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = run("rollout", "--suite", suite, "--out", tmp_path / target)
    assert (status, out) == (2, "")
    assert err.startswith("error: cannot write")


def test_a_linked_file_is_written_where_it_leads(run: Run, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    run("rollout", "--suite", suite, "--policy", "silent", "--episodes", "2", "--out", tmp_path / "link.jsonl")
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len(list(read_trajectories(tmp_path / "real.jsonl"))) == 2


def test_scenarios_without_a_plan_are_left_to_policies_that_need_none(run: Run, tmp_path: Path) -> None:
    pairs = [("test", SCENARIOS["imported"]), ("test", SCENARIOS["single_hop"])]
    write_pack(tmp_path / "pack", pairs, [WORLD], id="pack", version="1.0.0", licence="Apache-2.0")
    status, out, err = run("rollout", "--suite", tmp_path / "pack", "--policy", "oracle,silent", "--json")
    assert status == 0
    assert [row["episodes"] for row in json.loads(out)["policies"]] == [1, 2]
    assert "1 episodes were left out" in err


# --- scoring again


def test_stored_trajectories_score_what_they_were_paid(run: Run, suite: Path, played: Path) -> None:
    status, out, err = run("score", played, "--suite", suite, "--json")
    rows = json.loads(run("rollout", "--suite", suite, "--json")[1])["policies"]
    found = json.loads(out)
    assert (status, err) == (0, "")
    assert found["trajectories"] == len(ALL) * len(PLAYABLE)
    assert found["differing"] == 0
    for row, before in zip(found["policies"], rows, strict=True):
        assert row.pop("returns") == {"solve": pytest.approx(before.pop("mean_return"))}
        assert row == before


def test_several_rewards_stand_side_by_side(run: Run, suite: Path, played: Path) -> None:
    status, out, _ = run("score", played, "--suite", suite, "--reward", "solve,ftrl_f1", "--reward", "ftrl_pr")
    assert status == 0
    assert all(f"return ({name})" in out for name in ("solve", "ftrl_f1", "ftrl_pr"))


def test_altered_rewards_are_noticed(run: Run, suite: Path, played: Path) -> None:
    first, *rest = read_trajectories(played)
    paid = first._replace(steps=tuple(step._replace(reward=9.0) for step in first.steps))
    write_trajectories(played, [paid, *(one._replace(reward="mine") for one in rest)])
    _, out, err = run("score", played, "--suite", suite, "--json")
    assert json.loads(out)["differing"] == 1
    assert f"1 of {len(ALL) * len(PLAYABLE)} trajectories were paid something else" in err
    assert f"{len(rest)} trajectories were paid by a reward of no known name" in err


def _strange(trajectory: Trajectory, **fields: Any) -> str:
    return json.dumps(json.loads(trajectory.to_json()) | fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scenario_id": "0" * 16}, "no scenario named '0000000000000000'"),
        ({"scenario_id": [1]}, "not a trajectory"),
        ({"version": 9}, "version '9'"),
        ({"steps": [{}]}, "not a trajectory"),
        ({"steps": 4}, "not a trajectory"),
    ],
)
def test_a_damaged_record_is_told_with_its_place(
    run: Run, suite: Path, played: Path, fields: dict[str, Any], message: str
) -> None:
    first, second, *_ = read_trajectories(played)
    played.write_text(f"{first.to_json()}\n{_strange(second, **fields)}\n", encoding="utf-8")
    status, out, err = run("score", played, "--suite", suite)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert ", line 2" in err or ", trajectory 2" in err


def test_an_empty_file_and_an_unknown_pack_are_told(run: Run, played: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    assert "holds no trajectory" in run("score", tmp_path / "empty.jsonl")[2]
    status, _, err = run("score", played)
    assert status == 2
    assert "no bundled pack named 'hand'" in err
    assert "--suite" in err


@pytest.mark.parametrize("policy", ["oracle", OraclePolicy, None])
def test_a_policy_that_is_none_is_named(policy: Any) -> None:
    with pytest.raises(EpisodeError, match="rollout needs a policy"):
        rollout(ToolUseEnv(MemoryPack(PLAYABLE, [WORLD])), policy)
