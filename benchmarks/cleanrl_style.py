"""PPO in one file over `gym.vector`, written as CleanRL users write it, on tool use as a choice among numbered turns.

    python -m benchmarks.cleanrl_style --total-timesteps 40000 --seed 1

The loop knows nothing of tools: it sees boxes, integers, rewards and a mask. Needs torch (the extra `rl` has it).
The actor scores every entry of the menu by one and the same small network, with the rest of the observation beside
it: what it learns of an entry, it knows at every number.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from torch import nn
from torch.distributions import Categorical

import tool_gym  # noqa: F401 - registers the environments
from tool_gym.envs.wrappers import DiscreteToolActions


@dataclass
class Args:
    """What the run is made of."""

    env_id: str = "ToolUse-v0"
    """id of the environment"""
    split: str = "train"
    """scenarios that are drawn"""
    seed: int = 1
    """seed of everything drawn"""
    total_timesteps: int = 40_000
    """turns played in all"""
    learning_rate: float = 1e-3
    """step size of the optimizer at the start; falls to 0"""
    max_turns: int = 12
    """turns after which an episode is cut"""
    num_envs: int = 8
    """environments side by side"""
    num_steps: int = 128
    """turns played in each environment before an update"""
    gamma: float = 0.95
    """discount factor"""
    gae_lambda: float = 0.9
    """lambda of the advantage estimation"""
    num_minibatches: int = 4
    """mini-batches an update is cut into"""
    update_epochs: int = 4
    """passes over the data of an update"""
    clip_coef: float = 0.2
    """clipping of the surrogate objective"""
    ent_coef: float = 0.01
    """weight of the entropy"""
    vf_coef: float = 0.5
    """weight of the value loss"""
    max_grad_norm: float = 0.5
    """largest norm of the gradient"""


def make_env(args: Args) -> gym.Env[Any, Any]:
    env = gym.make(args.env_id, split=args.split, max_turns=args.max_turns)
    return gym.wrappers.RecordEpisodeStatistics(DiscreteToolActions(env))


def layer_init(layer: nn.Linear, std: float = 2**0.5) -> nn.Linear:
    nn.init.orthogonal_(layer.weight, std)
    nn.init.zeros_(layer.bias)
    return layer


class Agent(nn.Module):
    """Actor and critic."""

    def __init__(self, size: int, entry_shape: tuple[int, int], width: int = 64) -> None:
        super().__init__()
        self.rows, columns = entry_shape
        self.head = size - self.rows * columns
        self.context = nn.Sequential(layer_init(nn.Linear(self.head, width)), nn.Tanh())
        self.entry = nn.Sequential(
            layer_init(nn.Linear(columns + width, width)), nn.Tanh(), layer_init(nn.Linear(width, width)), nn.Tanh()
        )
        self.actor = layer_init(nn.Linear(width, 1), std=0.01)
        self.place = nn.Parameter(torch.zeros(self.rows))  # a number may be worth something by itself
        self.critic = nn.Sequential(
            layer_init(nn.Linear(2 * width, width)), nn.Tanh(), layer_init(nn.Linear(width, 1), std=1.0)
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> tuple[Categorical, torch.Tensor]:
        """Return the distribution of actions and the value, of observations (batch, size) and masks (batch, n)."""
        context = self.context(x[:, : self.head])
        entries = x[:, self.head :].reshape(len(x), self.rows, -1)
        hidden = self.entry(torch.cat([entries, context.unsqueeze(1).expand(-1, self.rows, -1)], -1))
        logits = (self.actor(hidden).squeeze(-1) + self.place).masked_fill(mask == 0, -1e9)
        best = hidden.masked_fill(mask.unsqueeze(-1) == 0, -1.0).amax(1)
        return Categorical(logits=logits), self.critic(torch.cat([context, best], -1)).squeeze(-1)


class Runner:
    """Plays in the environments, and remembers where it is in each."""

    def __init__(self, args: Args, thunk: Callable[[], gym.Env[Any, Any]]) -> None:
        self.args = args
        # The observation after an episode's end is the next episode's first, as in the Gym of old.
        self.envs = gym.vector.SyncVectorEnv([thunk] * args.num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
        self.returns: deque[float] = deque(maxlen=200)
        self.step = 0
        obs, infos = self.envs.reset(seed=args.seed)
        self.obs, self.mask = torch.tensor(obs), torch.tensor(infos["action_mask"])
        self.done = torch.zeros(args.num_envs)

    def play(self, agent: Agent) -> dict[str, torch.Tensor]:
        """Play `num_steps` turns in each environment; return what happened, each of shape (num_steps, num_envs, …)."""
        rows: list[dict[str, torch.Tensor]] = []
        for _ in range(self.args.num_steps):
            with torch.no_grad():
                probs, value = agent(self.obs, self.mask)
                action = probs.sample()
            row = {"obs": self.obs, "mask": self.mask, "done": self.done, "action": action, "value": value}
            row["logprob"] = probs.log_prob(action)
            obs, reward, terminated, truncated, infos = self.envs.step(action.numpy())
            rows.append({**row, "reward": torch.tensor(reward, dtype=torch.float32)})
            self.obs, self.mask = torch.tensor(obs), torch.tensor(infos["action_mask"])
            self.done = torch.tensor(np.logical_or(terminated, truncated), dtype=torch.float32)
            self.step += self.args.num_envs
            if "final_info" in infos:
                episode = infos["final_info"]["episode"]
                self.returns.extend(episode["r"][infos["final_info"]["_episode"]].tolist())
        return {key: torch.stack([row[key] for row in rows]) for key in rows[0]}

    def advantages(self, agent: Agent, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return generalised advantage estimates, of shape (num_steps, num_envs)."""
        with torch.no_grad():
            following = agent(self.obs, self.mask)[1]
        found = torch.zeros_like(batch["reward"])
        last, goes_on = torch.zeros(self.args.num_envs), 1 - self.done
        for step in reversed(range(self.args.num_steps)):
            delta = batch["reward"][step] + self.args.gamma * following * goes_on - batch["value"][step]
            last = found[step] = delta + self.args.gamma * self.args.gae_lambda * goes_on * last
            following, goes_on = batch["value"][step], 1 - batch["done"][step]
        return found


def update(args: Args, agent: Agent, optimizer: torch.optim.Optimizer, batch: dict[str, torch.Tensor]) -> None:
    """Make the passes of one update over a flat batch."""
    count = len(batch["action"])
    for _ in range(args.update_epochs):
        for part in torch.randperm(count).chunk(args.num_minibatches):
            probs, value = agent(batch["obs"][part], batch["mask"][part])
            ratio = (probs.log_prob(batch["action"][part]) - batch["logprob"][part]).exp()
            advantage = batch["advantage"][part]
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
            policy_loss = -torch.min(advantage * ratio, advantage * clipped).mean()
            value_loss = 0.5 * (value - batch["return"][part]).square().mean()
            loss = policy_loss - args.ent_coef * probs.entropy().mean() + args.vf_coef * value_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
            optimizer.step()


def train(
    args: Args, thunk: Callable[[], gym.Env[Any, Any]], report: Callable[[Runner], None] = lambda _: None
) -> Agent:
    """Train an agent on the environments `thunk` makes; `report` is called after each update."""
    torch.manual_seed(args.seed)
    runner = Runner(args, thunk)
    env = runner.envs.envs[0]
    agent = Agent(runner.obs.shape[1], env.get_wrapper_attr("entry_shape"))
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    updates = max(1, args.total_timesteps // (args.num_envs * args.num_steps))
    for number in range(updates):
        optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - number / updates)
        batch = runner.play(agent)
        batch["advantage"] = runner.advantages(agent, batch)
        batch["return"] = batch["advantage"] + batch["value"]
        update(args, agent, optimizer, {key: value.flatten(0, 1) for key, value in batch.items()})
        report(runner)
    runner.envs.close()
    return agent


def parse_args() -> Args:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for field in dataclasses.fields(Args):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=type(field.default), default=field.default, help="default: %(default)s")
    return Args(**vars(parser.parse_args()))


def main() -> None:
    began = time.process_time()

    def report(runner: Runner) -> None:
        mean = f"{np.mean(runner.returns):.3f}" if runner.returns else "none yet"
        spent = time.process_time() - began
        print(f"step {runner.step:7d}  cpu {spent:6.1f} s  mean return of late episodes {mean}", flush=True)

    args = parse_args()
    train(args, lambda: make_env(args), report)


if __name__ == "__main__":
    main()
