"""How fast a policy trains: TRL's own tool loop against `StepGRPOTrainer`, on the same model, tools and scenarios.

    OMP_NUM_THREADS=1 python -m benchmarks.training_throughput
    OMP_NUM_THREADS=1 python -m benchmarks.training_throughput --rollouts 64 --size micro

Needs the extra `train`. A tiny model first learns a few scenarios by heart, so that it plays whole episodes; then both
trainers take GRPO steps from those weights at a learning rate of 0, so that they play alike to the end, with the same
batch, groups and caps, in turn, A B A B …. The first step of each run is left out. TRL's loop plays the pack through
`environment_factory` (docs/interop.md). Times are CPU seconds of this process, which other programs do not lengthen;
with one thread on a quiet machine they are what the clock says.

*Rollouts* is all that comes before the loss: playing, rewards, advantages. *Tokens* are the model's own. The
environment's share is its part of the rollouts' time: for TRL the tools, `reset` and the reward function, for ours
`reset` and `step` of the vector environment. What learning takes depends on the *longest* completion of a batch, to
which all are padded: TRL ends a rollout at a call it cannot read, our environment says what is wrong and goes on. A
ratio is the median over the pairs of runs.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from transformers import PrinterCallback, TrainerCallback
from transformers.utils import logging
from trl import GRPOConfig, GRPOTrainer

from tool_gym.agents.curriculum import UniformSchedule
from tool_gym.agents.encoding import Encoder
from tool_gym.agents.grpo import StepGRPOTrainer
from tool_gym.agents.interop.messages import opening, schemas
from tool_gym.agents.interop.trl_environment import TRLEnvironments, trajectory_of, trl_environments
from tool_gym.agents.models import build_model, build_tokenizer
from tool_gym.agents.models.corpus import corpus
from tool_gym.agents.rollouts import Collector, Limits
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack, open_pack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout

T = TypeVar("T")

SHAPES = ("multi_hop", "parallel_single_hop", "write")
MAX_TURNS = 6
CONTEXT = 1024
"""Most tokens of a completion: all turns, and what is shown between them."""


class Run(NamedTuple):
    """What some steps took; seconds and counts are sums over them."""

    steps: int
    step_seconds: float
    rollout_seconds: float
    env_seconds: float
    episodes: int
    tokens: int
    turns: int
    returns: float
    longest: int
    """Sum over the steps of the longest completion's length, to which all of a batch are padded."""


class Meter(TrainerCallback):
    """Watches a trainer from its second step on."""

    def __init__(self, trainer: Any) -> None:
        """Begin to watch."""
        self.env_seconds = 0.0
        self.turns = self.episodes = self.tokens = self.steps = self.longest = 0
        self.returns = self.step_seconds = self.rollout_seconds = 0.0
        self._inner = trainer._generate_and_score_completions  # noqa: SLF001 - where TRL plays and scores
        trainer._generate_and_score_completions = self._play  # noqa: SLF001 - as above
        trainer.add_callback(self)
        trainer.remove_callback(PrinterCallback)
        self._begun = 0.0
        self._warm = False

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start the clock."""
        self._begun = time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Count a step; forget the first one."""
        self.steps, self.step_seconds = self.steps + 1, self.step_seconds + time.process_time() - self._begun
        if not self._warm:
            self._warm = True
            self.env_seconds = self.returns = self.step_seconds = self.rollout_seconds = 0.0
            self.turns = self.episodes = self.tokens = self.steps = self.longest = 0

    def timed(self, function: Callable[..., T]) -> Callable[..., T]:
        """Return a function whose time counts as the environment's."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> T:
            begun = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.env_seconds += time.process_time() - begun

        return call

    def run(self) -> Run:
        """Return what was seen."""
        return Run(
            self.steps,
            self.step_seconds,
            self.rollout_seconds,
            self.env_seconds,
            self.episodes,
            self.tokens,
            self.turns,
            self.returns,
            self.longest,
        )

    def _play(self, inputs: Any) -> Any:
        begun = time.process_time()
        out = self._inner(inputs)
        self.rollout_seconds += time.process_time() - begun
        self.tokens += int((out["completion_mask"] * out["tool_mask"]).sum())
        self.longest += out["completion_mask"].shape[1]
        self.episodes += len(inputs)
        return out


class Setting(NamedTuple):
    """What both trainers train."""

    pack: Pack
    names: list[str]
    tokenizer: Any
    model: Any
    arguments: argparse.Namespace


def settle(arguments: argparse.Namespace) -> Setting:
    """Choose scenarios, make a tokenizer and a model, and have the model learn the oracle's episodes by heart."""
    pack = open_pack("everyday")
    groups = arguments.rollouts // arguments.group
    chosen = [entry.id for entry in pack.entries("train") if entry.shape in SHAPES]
    chosen.sort(key=lambda name: len(pack.task(name).scenario.tools))
    names = chosen[20 : 20 + groups]  # small tool sets, but not the very smallest
    tokenizer = build_tokenizer(corpus(pack, names), vocab_size=1500)
    model = build_model(tokenizer, arguments.size, seed=0)
    loss = learn(model, tokenizer, pack, names, arguments.learning_steps)
    print(f"{groups} scenarios learnt by heart in {arguments.learning_steps} steps, loss {loss:.3f}")
    return Setting(pack, names, tokenizer, model, arguments)


def learn(model: Any, tokenizer: Any, pack: Pack, names: Sequence[str], steps: int) -> float:
    """Train on the oracle's episodes, its own tokens alone; return the last loss."""
    env, encoder = ToolUseEnv(pack), Encoder(tokenizer)
    rows, labels = [], []
    for name in names:
        trajectory = rollout(env, OraclePolicy(), seed=0, options={"scenario": name})
        one = encoder.encode(opening(env.scenario), schemas(env.scenario), trajectory.steps)
        rows.append(torch.tensor([*one.prompt_ids, *one.completion_ids]))
        own = [token if bit else -100 for token, bit in zip(one.completion_ids, one.mask, strict=True)]
        labels.append(torch.tensor([-100] * len(one.prompt_ids) + own))
    pad = torch.nn.utils.rnn.pad_sequence
    ids = pad(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
    targets = pad(labels, batch_first=True, padding_value=-100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss = torch.tensor(0.0)
    model.train()
    for _ in range(steps):
        loss = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=targets).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss.item())


def config(setting: Setting, folder: str, seed: int, **more: Any) -> GRPOConfig:
    """Return what both trainers are configured with."""
    given = setting.arguments
    return GRPOConfig(
        folder,
        seed=seed,
        max_steps=given.steps + 1,
        per_device_train_batch_size=given.rollouts,
        num_generations=given.group,
        learning_rate=0.0,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        temperature=1.0,
        max_completion_length=CONTEXT,
        **more,
    )


def of_trl(setting: Setting, folder: str, seed: int) -> Run:
    """Run TRL's own trainer and tool loop."""
    tasks = trl_environments(setting.pack, scenarios=setting.names)
    args = config(
        setting,
        folder,
        seed,
        max_tool_calling_iterations=MAX_TURNS - 1,
        generation_kwargs={"max_new_tokens": setting.arguments.turn_tokens},
    )
    trainer = GRPOTrainer(
        setting.model,
        args=args,
        processing_class=setting.tokenizer,
        train_dataset=tasks.dataset(),
        environment_factory=tasks.environment_factory,
        reward_funcs=tasks.reward_funcs,
    )
    meter = Meter(tasks.install(trainer))
    trainer.reward_funcs[0] = _watched(meter, tasks)
    for kind in tasks.environment_factory.values():
        for name in ("reset", "_call"):
            setattr(kind, name, meter.timed(getattr(kind, name)))
    trainer.train()
    return meter.run()


def of_ours(setting: Setting, folder: str, seed: int) -> Run:
    """Run our trainer and rollouts."""
    given = setting.arguments
    limits = Limits(max_turns=MAX_TURNS, max_turn_tokens=given.turn_tokens, max_tokens=CONTEXT)
    collector = Collector(setting.pack, Encoder(setting.tokenizer), limits=limits, rows=given.rollouts)
    trainer = StepGRPOTrainer(
        setting.model,
        config(setting, folder, seed),
        processing_class=setting.tokenizer,
        collector=collector,
        schedule=UniformSchedule(setting.names, seed),
        decode_batch=given.rollouts,
    )
    meter = Meter(trainer)
    collect, env = collector.collect, collector._env  # noqa: SLF001 - a look from outside
    for name in ("reset", "step"):
        setattr(env, name, meter.timed(getattr(env, name)))

    def watched(*args: Any, **kwargs: Any) -> Any:
        played = collect(*args, **kwargs)
        meter.turns += sum(len(one.turns) for one in played)
        meter.returns += sum(sum(one.rewards) for one in played)
        return played

    collector.collect = watched  # type: ignore[method-assign]  # a look from outside
    trainer.train()
    return meter.run()


def _watched(meter: Meter, tasks: TRLEnvironments) -> Callable[..., list[float]]:
    """Return TRL's reward function, timed, that counts turns and returns besides."""
    reward = meter.timed(tasks.reward_funcs[0])

    @functools.wraps(reward)
    def watched(**given: Any) -> list[float]:
        earned = reward(**given)
        pairs = zip(given["environments"], given["completions"], strict=True)
        meter.turns += sum(len(trajectory_of(one, said).steps) for one, said in pairs)
        meter.returns += sum(earned)
        return earned

    return watched


COLUMNS: dict[str, Callable[[Run], float]] = {
    "episodes/s": lambda run: run.episodes / run.rollout_seconds,
    "tokens/s": lambda run: run.tokens / run.rollout_seconds,
    "s/step": lambda run: run.step_seconds / run.steps,
    "rollouts s/step": lambda run: run.rollout_seconds / run.steps,
    "env share %": lambda run: 100 * run.env_seconds / run.rollout_seconds,
    "turns/episode": lambda run: run.turns / run.episodes,
    "tokens/episode": lambda run: run.tokens / run.episodes,
    "longest": lambda run: run.longest / run.steps,
    "return": lambda run: run.returns / run.episodes,
}
RATIOS = ("episodes/s", "tokens/s", "s/step", "rollouts s/step")


def show(runs: dict[str, list[Run]]) -> None:
    """Print the table."""
    print(f"{'':18}" + "".join(f"{name:>16}" for name in COLUMNS))
    for name, of_one in runs.items():
        print(f"{name:18}" + "".join(f"{statistics.median(map(figure, of_one)):16.2f}" for figure in COLUMNS.values()))
    pairs = list(zip(*runs.values(), strict=True))
    print(f"{'ours / TRL':18}", end="")
    for name, figure in COLUMNS.items():
        ratio = statistics.median(figure(ours) / figure(trl) for trl, ours in pairs) if name in RATIOS else None
        print(f"{'':16}" if ratio is None else f"{ratio:16.2f}", end="")
    print()


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=32, help="episodes of a step (default 32)")
    parser.add_argument("--group", type=int, default=4, help="episodes of a scenario in a step (default 4)")
    parser.add_argument("--steps", type=int, default=3, help="steps measured in each run (default 3)")
    parser.add_argument("--repetitions", type=int, default=2, help="runs of each trainer (default 2)")
    parser.add_argument("--turn-tokens", type=int, default=64, help="most tokens of a turn (default 64)")
    parser.add_argument("--learning-steps", type=int, default=120, help="steps of learning by heart (default 120)")
    parser.add_argument("--size", default="nano", help="size of the model (default nano)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")  # TRL's own: the interface is experimental, an option has a new name
    logging.set_verbosity_error()
    setting = settle(arguments)
    runs: dict[str, list[Run]] = {"TRL's tool loop": [], "StepGRPOTrainer": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.repetitions):
            for name, play in zip(runs, (of_trl, of_ours), strict=True):
                runs[name].append(play(setting, folder, seed))
    show(runs)


if __name__ == "__main__":
    main()
