"""What classic reinforcement learning learns of tool use: Stable-Baselines3 and a CleanRL-style PPO, against chance.

    OMP_NUM_THREADS=1 python -m benchmarks.classic_rl
    OMP_NUM_THREADS=1 python -m benchmarks.classic_rl --algorithms MaskablePPO --seeds 1 --scale 0.1 --of-each 4

Needs the extra `rl`. Each algorithm trains on the same small pack, once with each seed. Then its greedy policy plays
every scenario of three packs once: the training pack, as many other scenarios of the same domains, and as many of
domains it has never seen. Chance plays each five times; the scripted policy `greedy`, which plans by word overlap and
writes its own turns, once. Times are CPU seconds of this process, training alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env

from benchmarks import cleanrl_style
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Entry, MemoryPack, open_pack
from tool_gym.envs.policies import GreedyLexicalPolicy
from tool_gym.envs.rollout import rollout
from tool_gym.envs.wrappers import DiscreteToolActions

SHAPES = ("single_hop", "multi_hop", "write", "decline")
OF_EACH = 24
"""Scenarios of each shape in a pack, unless another number is given."""

STEPS = 50_000
"""Turns played in training."""

MAX_TURNS = 12
ROUNDS = 5
"""How often chance plays each scenario."""

Act: TypeAlias = Callable[[Any, Any], int]
"""(observation, mask) → action."""

_PPO = {"n_steps": 256, "batch_size": 256, "n_epochs": 6, "gamma": 0.95, "ent_coef": 0.01, "learning_rate": 1e-3}
_DQN = {
    "buffer_size": 20_000,
    "learning_starts": 1000,
    "train_freq": 2,
    "gradient_steps": 4,
    "batch_size": 64,
    "gamma": 0.8,
    "learning_rate": 1e-3,
    "target_update_interval": 500,
    "exploration_fraction": 0.5,
    "policy_kwargs": {"net_arch": [128, 128]},
}


def packs(of_each: int = OF_EACH) -> dict[str, MemoryPack]:
    """Return the training pack and the two held-out ones."""
    known, unknown = open_pack("everyday").entries("train"), open_pack("everyday").entries("test")
    chosen = {
        "trained on": _evenly(known, of_each, 0),
        "same domains": _evenly(known, of_each, 1),
        "new domains": _evenly(unknown, of_each, 0),
    }
    return {name: _pack(entries) for name, entries in chosen.items()}


def make_env(pack: MemoryPack) -> gym.Env[Any, Any]:
    return DiscreteToolActions(ToolUseEnv(pack, max_turns=MAX_TURNS))


def train_ppo(pack: MemoryPack, seed: int, steps: int) -> Act:
    model = PPO("MlpPolicy", _vector(pack, seed), seed=seed, device="cpu", **_PPO).learn(steps)
    return lambda observation, _: int(model.predict(observation, deterministic=True)[0])


def train_maskable_ppo(pack: MemoryPack, seed: int, steps: int) -> Act:
    model = MaskablePPO("MlpPolicy", _vector(pack, seed), seed=seed, device="cpu", **_PPO).learn(steps)
    return lambda observation, mask: int(model.predict(observation, action_masks=mask, deterministic=True)[0])


def train_dqn(pack: MemoryPack, seed: int, steps: int) -> Act:
    model = DQN("MlpPolicy", _vector(pack, seed), seed=seed, device="cpu", **_DQN).learn(steps)
    return lambda observation, _: int(model.predict(observation, deterministic=True)[0])


def train_cleanrl(pack: MemoryPack, seed: int, steps: int) -> Act:
    args = cleanrl_style.Args(seed=seed, total_timesteps=steps)
    agent = cleanrl_style.train(args, lambda: gym.wrappers.RecordEpisodeStatistics(make_env(pack)))

    def act(observation: Any, mask: Any) -> int:
        with torch.no_grad():
            return int(agent(torch.tensor(observation)[None], torch.tensor(mask)[None])[0].logits.argmax())

    return act


ALGORITHMS: dict[str, Callable[[MemoryPack, int, int], Act]] = {
    "PPO": train_ppo,
    "MaskablePPO": train_maskable_ppo,
    "DQN": train_dqn,
    "CleanRL-style": train_cleanrl,
}


def mean_return(pack: MemoryPack, act: Act, rounds: int = 1) -> float:
    """Play every scenario `rounds` times; return the mean of the returns."""
    env, total = make_env(pack), 0.0
    for entry in [*pack.entries()] * rounds:
        observation, info = env.reset(options={"scenario": entry.id})
        over = False
        while not over:
            observation, reward, terminated, truncated, info = env.step(act(observation, info["action_mask"]))
            total += float(reward)
            over = terminated or truncated
    return total / len(pack.entries()) / rounds


def planned_return(pack: MemoryPack) -> float:
    """Play every scenario once by the scripted planner, which writes its own turns; return the mean of the returns."""
    env, policy = ToolUseEnv(pack, max_turns=MAX_TURNS), GreedyLexicalPolicy()
    played = [rollout(env, policy, options={"scenario": entry.id}) for entry in pack.entries()]
    return float(np.mean([trajectory.episode_return for trajectory in played]))


def rows(args: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Yield the table's rows."""
    played, rng = packs(args.of_each), np.random.default_rng(0)
    chance: dict[str, Act] = {
        "random, legal": lambda _, mask: int(rng.choice(np.flatnonzero(mask))),
        "random, any": lambda _, mask: int(rng.integers(len(mask))),
    }
    for name, act in chance.items():
        yield (name, "–", "–", "–", *(f"{mean_return(pack, act, ROUNDS):.3f}" for pack in played.values()))
    yield ("greedy planner", "–", "–", "–", *(f"{planned_return(pack):.3f}" for pack in played.values()))
    steps = round(STEPS * args.scale)
    for name in args.algorithms:
        for seed in range(args.seeds):
            began = time.process_time()
            act = ALGORITHMS[name](played["trained on"], seed, steps)
            spent = f"{time.process_time() - began:.0f}"
            yield (name, str(seed), str(steps), spent, *(f"{mean_return(pack, act):.3f}" for pack in played.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=list(ALGORITHMS))
    parser.add_argument("--seeds", type=int, default=3, help="runs of each algorithm")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the training that is done")
    parser.add_argument("--of-each", type=int, default=OF_EACH, help="scenarios of each shape in a pack")
    args = parser.parse_args()
    torch.set_num_threads(1)
    line = "{:<14} {:>5} {:>7} {:>6} {:>12} {:>14} {:>13}".format
    print(line("policy", "seed", "steps", "cpu s", "trained on", "same domains", "new domains"))
    for row in rows(args):
        print(line(*row), flush=True)


def _vector(pack: MemoryPack, seed: int) -> Any:
    return make_vec_env(lambda: make_env(pack), n_envs=8, seed=seed)


def _evenly(entries: Sequence[Entry], of_each: int, offset: int) -> list[Entry]:
    """Return some entries of each shape, spread over the whole list; another offset gives others."""
    chosen: list[Entry] = []
    for shape in SHAPES:
        of_shape = [entry for entry in entries if entry.shape == shape]
        chosen += of_shape[offset :: len(of_shape) // of_each][:of_each]
    return chosen


def _pack(entries: Sequence[Entry]) -> MemoryPack:
    tasks = [open_pack("everyday").task(entry.id) for entry in entries]
    worlds = {task.world.id: task.world for task in tasks}
    return MemoryPack([task.scenario for task in tasks], list(worlds.values()))


if __name__ == "__main__":
    main()
