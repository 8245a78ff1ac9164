"""Third-party reinforcement learning runs on DiscreteToolActions as it is; needs the extra `rl`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import tool_gym  # noqa: F401 - registers the environments
from tool_gym.envs.wrappers import DiscreteToolActions

pytestmark = pytest.mark.train

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "classic-rl.md"
EXAMPLE = re.compile(r"^```python3\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Fenced so that it is highlighted and yet not among the blocks that run without the extra."""


@pytest.fixture(autouse=True)
def _extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sb3_contrib", reason="needs the extra rl")
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path))  # else it leaves a folder for each run among the temporary files


def make_env() -> gym.Env[Any, Any]:
    return DiscreteToolActions(gym.make("ToolUse-v0", split="train", max_turns=6))


def run(arguments: list[str], folder: Path) -> str:
    """Run Python in `folder`; return what it printed."""
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_own_checker_finds_nothing() -> None:
    from stable_baselines3.common.env_checker import check_env

    check_env(make_env())


@pytest.mark.parametrize("name", ["PPO", "A2C"])
def test_on_policy_algorithms_learn_from_it(name: str) -> None:
    import stable_baselines3

    model = getattr(stable_baselines3, name)("MlpPolicy", make_env(), n_steps=64, seed=0, device="cpu")
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    model.learn(192)
    assert model.num_timesteps == 192
    assert any((value != before[key]).any() for key, value in model.policy.state_dict().items())


def test_dqn_learns_from_it() -> None:
    from stable_baselines3 import DQN

    model = DQN("MlpPolicy", make_env(), learning_starts=50, buffer_size=300, seed=0, device="cpu")
    model.learn(200)
    action, _ = model.predict(make_env().reset(seed=0)[0], deterministic=True)
    assert make_env().action_space.contains(np.int64(action))


@pytest.mark.parametrize("kind", ["DummyVecEnv", "SubprocVecEnv"])
def test_maskable_ppo_only_chooses_what_is_there(kind: str) -> None:
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common import vec_env
    from stable_baselines3.common.env_util import make_vec_env

    vector = make_vec_env(make_env, n_envs=2, seed=0, vec_env_cls=getattr(vec_env, kind))
    try:
        model = MaskablePPO("MlpPolicy", vector, n_steps=64, batch_size=64, seed=0, device="cpu")
        model.learn(256)
        buffer = model.rollout_buffer
        masks = buffer.action_masks.reshape(-1, vector.action_space.n)
        chosen = buffer.actions.reshape(-1).astype(int)
        assert masks[np.arange(len(chosen)), chosen].all()
        assert not masks.all()
    finally:
        vector.close()


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    blocks = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 1
    program, steps = blocks[0], "learn(50_000)"
    assert steps in program
    script = tmp_path / "example.py"
    script.write_text(program.replace(steps, "learn(128)").replace("range(100)", "range(2)"), encoding="utf-8")
    assert "mean return" in run([str(script)], tmp_path)


def test_the_cleanrl_style_loop_runs() -> None:
    arguments = ["--total-timesteps", "512", "--num-envs", "2", "--num-steps", "64", "--seed", "3"]
    lines = run(["-m", "benchmarks.cleanrl_style", *arguments], ROOT).splitlines()
    assert len(lines) == 4
    assert re.search(r"step +512 .* mean return of late episodes -?\d\.\d{3}$", lines[-1])


@pytest.mark.parametrize("name", ["MaskablePPO", "CleanRL-style"])
def test_what_is_learned_beats_chance(name: str) -> None:
    from benchmarks.classic_rl import ALGORITHMS, mean_return, packs

    pack = packs(of_each=3)["trained on"]
    rng = np.random.default_rng(0)
    chance = mean_return(pack, lambda _, mask: int(rng.choice(np.flatnonzero(mask))), rounds=5)
    assert mean_return(pack, ALGORITHMS[name](pack, 0, 8192)) > chance + 0.2


def test_the_table_has_a_row_for_each_run() -> None:
    arguments = ["--algorithms", "PPO", "DQN", "--seeds", "1", "--scale", "0.02", "--of-each", "2"]
    lines = run(["-m", "benchmarks.classic_rl", *arguments], ROOT).splitlines()
    names = [line.partition("  ")[0] for line in lines]
    assert names == ["policy", "random, legal", "random, any", "greedy planner", "PPO", "DQN"]
    assert all(re.search(r"( +-?\d\.\d{3}){3}$", line) for line in lines[1:])
