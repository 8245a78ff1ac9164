"""StepGRPOTrainer: TRL's GRPO on rollouts in our environments, with one advantage for each turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import gather_object
from datasets import Dataset

from tool_gym.agents.credit import CreditConfig, Turns, advantages, over_tokens, returns_to_go
from tool_gym.agents.critic import Critic, CriticConfig
from tool_gym.agents.curriculum import Schedule
from tool_gym.agents.grpo.episodes import (
    Played,
    advantage_figures,
    episode_figures,
    group_results,
    played,
    timing_figures,
)
from tool_gym.agents.grpo.generation import CollectiveGenerate
from tool_gym.agents.grpo.internals import HookedGRPOTrainer, check_trl, episode_return
from tool_gym.agents.sampling import Sampler
from tool_gym.envs.rollout import episode_seed
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream

if TYPE_CHECKING:
    from trl import GRPOConfig

    from tool_gym.agents.generating import Sampled
    from tool_gym.agents.grpo.generation import LogProbs
    from tool_gym.agents.rollouts import Collector, Rollout

STATE = "tool_gym_state.json"
"""In a checkpoint: the schedule, and how many groups were played."""
CRITIC = "tool_gym_critic.pt"
PROGRESS = "tool_gym_progress_{rank}.pt"

_ROWS = 4096
"""Rows of the placeholder data set per group and at most: TRL walks over one again and again."""


class StepGRPOTrainer(HookedGRPOTrainer):
    """GRPO over whole episodes: the environment is a `Collector`, the data is a `Schedule`, credit goes to turns.

    Each generation batch draws one scenario per group from the schedule, plays it `num_generations` times with one
    seed, turns the turns' rewards into one advantage per turn (`CreditConfig`), gives each of a turn's tokens that
    advantage and every other token none, and tells the schedule how the groups went. All of TRL's losses, its KL term,
    PEFT, accumulation and several updates on a batch work as they do there; `scale_rewards` has no effect, for the
    normalisation is the credit's.

    With several processes, groups may span them: rewards are gathered, every process computes all advantages and keeps
    its own, and every process's schedule sees the same. Checkpoints hold the schedule, the critic and the batch in
    use, so that a resumed run goes on as if it had not stopped.

    In the log, beside TRL's own: return, solved, solve_p, solve_r, solve_f1, goals, turns, calls, junk_calls (charged
    attempts that solved nothing), overlong, groups_without_spread, advantage_std/turn_N, env_seconds, model_seconds,
    encode_seconds, env_share, and critic_loss with `step_gae_value`.
    """

    def __init__(  # noqa: PLR0913 - what a trainer of TRL takes, and what ours does
        self,
        model: Any,
        args: GRPOConfig,
        *,
        processing_class: Any,
        collector: Collector,
        schedule: Schedule,
        credit: CreditConfig | None = None,
        critic: CriticConfig | None = None,
        mask_overlong: bool = False,
        decode_batch: int = 64,
        callbacks: list[Any] | None = None,
        optimizers: tuple[Any, Any] = (None, None),
        peft_config: Any = None,
    ) -> None:
        """Set up training.

        Args:
            model: A causal language model, or the path or id of one.
            args: TRL's configuration. `max_steps` is needed; `max_completion_length` and the cap of a turn are taken
                from the collector's limits.
            processing_class: The model's tokenizer.
            collector: Plays episodes.
            schedule: Chooses scenarios; in each process one with the same seed.
            credit: How rewards become advantages; the defaults if None.
            critic: The value head's sizes; only for `step_gae_value`.
            mask_overlong: Whether episodes cut because the context was full are left out of the loss.
            decode_batch: Most episodes decoded at once in one process.
            callbacks: As in TRL.
            optimizers: As in TRL.
            peft_config: As in TRL.

        Raises:
            AgentError: If the installed TRL is another than this was written for, or settings do not go together.
        """
        check_trl()
        self.credit = credit or CreditConfig()
        self.collector = collector
        self.schedule = schedule
        self._mask_overlong = mask_overlong
        self._decode_batch = decode_batch
        self._groups_played = 0
        self._rollouts: list[Rollout] = []
        self._advantages: list[Turns] = []
        _check_settings(args, self.credit, critic)
        _set_lengths(args, collector)
        groups = args.generation_batch_size // args.num_generations
        super().__init__(
            model=model,
            reward_funcs=[episode_return],
            args=args,
            train_dataset=Dataset.from_dict({"prompt": [""] * (groups * min(args.max_steps, _ROWS))}),
            processing_class=processing_class,
            callbacks=callbacks,
            optimizers=optimizers,
            peft_config=peft_config,
            rollout_func=_pending,
        )
        self.critic = self._new_critic(critic) if self.credit.estimator == "step_gae_value" else None

    def play(
        self, scenarios: Sequence[str], seeds: Sequence[int] | int = 0, *, temperature: float | None = None
    ) -> list[Rollout]:
        """Play scenarios with the policy as it is, in this process, and learn nothing from them.

        Where generation is a collective operation (vLLM, sharded models), all processes have to call this together.

        Args:
            scenarios: Ids, in order.
            seeds: As for `Collector.collect`; the policy's own chance comes from them too, and from the step.
            temperature: Of sampling, 0 for greedy; the training's own if None.
        """
        heat = self.temperature if temperature is None else temperature
        named = [seeds] if isinstance(seeds, int) else seeds
        noise = self._noise("play", self.state.global_step, *named)
        rollouts, _ = self._collect(scenarios, seeds, heat, noise)
        return rollouts

    def rollout_batch(self, rows: int) -> dict[str, Any]:
        """Play this process's share of the next groups; see `HookedGRPOTrainer`."""
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        size = self.num_generations
        ids = self.schedule.draw(rows * processes // size)
        seeds = [episode_seed(self.args.seed, name, self._groups_played + number) for number, name in enumerate(ids)]
        mine = [row // size for row in range(rank * rows, (rank + 1) * rows)]
        noise = self._noise("train", self._groups_played)
        self._rollouts, log_probs = self._collect(
            [ids[group] for group in mine], [seeds[group] for group in mine], self.temperature, noise
        )
        self._groups_played += len(ids)
        self._learn_from_returns(size)
        return {
            "prompts": self._prompts(),
            "prompt_ids": [list(rollout.prompt_ids) for rollout in self._rollouts],
            "completion_ids": [list(rollout.completion_ids) for rollout in self._rollouts],
            "logprobs": log_probs,
            "env_mask": [self._mask(rollout) for rollout in self._rollouts],
            "returns": [sum(rollout.rewards) for rollout in self._rollouts],
        }

    def token_advantages(self, shape: tuple[int, int]) -> torch.Tensor:
        """Return each turn's advantage on its tokens; see `HookedGRPOTrainer`."""
        placed = [
            over_tokens(of_turns, rollout.turns, shape[1])
            for of_turns, rollout in zip(self._advantages, self._rollouts, strict=True)
        ]
        return torch.tensor(np.array(placed), dtype=torch.float32)

    def save_own(self, folder: Path) -> None:
        """Write the schedule, the critic and the batch in use; see `HookedGRPOTrainer`."""
        if self.args.should_save:
            state = {"groups_played": self._groups_played, "schedule": self.schedule.state()}
            (folder / STATE).write_text(json.dumps(state), encoding="utf-8")
            if self.critic is not None:
                torch.save(self.critic.full_state(), folder / CRITIC)
        torch.save(self.progress(), folder / PROGRESS.format(rank=self.accelerator.process_index))

    def load_own(self, folder: Path) -> None:
        """Read back what `save_own` wrote.

        Raises:
            AgentError: If the checkpoint is not one of this trainer, or of another number of processes.
        """
        device = self.accelerator.device
        try:
            state = json.loads((folder / STATE).read_text(encoding="utf-8"))
            rank_file = folder / PROGRESS.format(rank=self.accelerator.process_index)
            progress = torch.load(rank_file, map_location=device, weights_only=True)
            critic = None if self.critic is None else torch.load(folder / CRITIC, weights_only=True)
        except FileNotFoundError as error:
            msg = (
                f"{folder} lacks {Path(str(error.filename)).name}: resume from a checkpoint that the same stage wrote "
                "with as many processes and the same credit"
            )
            raise AgentError(msg) from None
        self._groups_played = state["groups_played"]
        self.schedule.load(state["schedule"])
        self.restore_progress(progress)
        if self.critic is not None and critic is not None:
            self.critic.load_full_state(critic)

    @property
    def _pad_id(self) -> int:
        return int(self.processing_class.pad_token_id)

    def _noise(self, *path: str | int) -> int:
        """Return a seed for the policy's chance, another one in each process."""
        return stream(self.args.seed, self.accelerator.process_index, *path).getrandbits(63)

    def _new_critic(self, config: CriticConfig | None) -> Critic:
        width = self.accelerator.unwrap_model(self.model).config.get_text_config().hidden_size
        critic = Critic(width, config, seed=self.args.seed)
        critic.to(self.accelerator.device)
        return critic

    def _collect(
        self,
        scenarios: Sequence[str],
        seeds: Sequence[int] | int,
        temperature: float,
        noise: int,
    ) -> tuple[list[Rollout], list[LogProbs] | None]:
        """Play episodes; also return the tokens' log-probabilities, if whoever generated them gave any."""
        if self.generates_together:
            return self._collect_together(scenarios, seeds, temperature)
        generator = torch.Generator(device=self.accelerator.device).manual_seed(noise)
        with self.sampling_model() as model:
            encoder = self.collector.encoder
            sampler = Sampler(
                model,
                pad_id=self._pad_id,
                stop_ids=encoder.stop_ids,
                max_batch=self._decode_batch,
                text_end=encoder.text_end,
                reuse=self.accelerator.device.type == "cpu",  # on a GPU memory is dearer than reading again
            )

            def generate(prefixes: Sequence[Sequence[int]]) -> list[Sampled]:
                return sampler.sample(
                    prefixes,
                    max_new_tokens=self.collector.limits.max_turn_tokens,
                    temperature=temperature,
                    top_p=self.top_p,
                    top_k=self.top_k,
                    generator=generator,
                )

            return self.collector.collect(scenarios, generate, seeds=seeds), None

    def _collect_together(
        self, scenarios: Sequence[str], seeds: Sequence[int] | int, temperature: float
    ) -> tuple[list[Rollout], list[LogProbs] | None]:
        generate = CollectiveGenerate(
            self.trl_generate,
            gather_object,
            encoder=self.collector.encoder,
            filler=[self.processing_class.eos_token_id],
        )
        with self.trl_temperature(temperature):
            rollouts = self.collector.collect(scenarios, generate, seeds=seeds)
            generate.finish()
        return rollouts, generate.log_probs(rollouts)

    def _learn_from_returns(self, size: int) -> None:
        """Compute all processes' advantages and keep ours; tell schedule, critic and log how it went."""
        mine = [played(rollout, self.collector.pack) for rollout in self._rollouts]
        states = self._turn_states() if self.critic is not None else None
        if self.critic is not None and states is not None:
            of_turns = iter(self.critic.values(states))
            mine = [one._replace(values=tuple(next(of_turns) for _ in one.rewards)) for one in mine]
        everyone: list[Played] = gather_object(mine)
        rewards = [one.rewards for one in everyone]
        groups = [row // size for row in range(len(everyone))]
        values = [one.values for one in everyone] if self.critic is not None else None
        found = advantages(rewards, groups, self.credit, values)
        first = self.accelerator.process_index * len(mine)
        self._advantages = found[first : first + len(mine)]
        self.schedule.observe(group_results(everyone, size))
        self.record(episode_figures(everyone, size))
        self.record(advantage_figures(found))
        self.record(timing_figures(gather_object([self.collector.timing])))
        if self.critic is not None and states is not None:
            self.record({"critic_loss": self._fit_critic(self.critic, states, rewards)})

    def _turn_states(self) -> torch.Tensor:
        """Return the last hidden state before each turn of this process's episodes, shape (turns, hidden)."""
        found = []
        step = self.args.per_device_train_batch_size
        rows = [[*rollout.prompt_ids, *rollout.completion_ids] for rollout in self._rollouts]
        for start in range(0, len(rows), step):
            here = rows[start : start + step]
            hidden = self.last_hidden_states(here, max(map(len, here)), self._pad_id)
            for states, rollout in zip(hidden, self._rollouts[start : start + step], strict=True):
                before = [len(rollout.prompt_ids) + first - 1 for first, _ in rollout.turns]
                found.append(states[before])
        return torch.cat(found).float()

    def _fit_critic(self, critic: Critic, states: torch.Tensor, rewards: Sequence[Sequence[float]]) -> float:
        """Train every process's critic on everybody's turns, so that all stay equal."""
        features = torch.cat(gather_object([states.cpu()]))
        returns = np.concatenate([returns_to_go(of_turns, self.credit.gamma) for of_turns in rewards])
        device = self.accelerator.device
        return critic.fit(features.to(device), torch.tensor(returns, dtype=torch.float32, device=device))

    def _mask(self, rollout: Rollout) -> list[int]:
        return [0] * len(rollout.mask) if self._mask_overlong and rollout.overlong else list(rollout.mask)

    def _prompts(self) -> list[str]:
        """Return the prompts as TRL logs them; they cost time, so only if it does."""
        if not self.args.log_completions:
            return [""] * len(self._rollouts)
        return [self.processing_class.decode(rollout.prompt_ids) for rollout in self._rollouts]


def _pending(prompts: list[Any], trainer: Any) -> Any:
    """Be the `rollout_func`; a function of the module, for TRL is given it before there is a trainer."""
    return trainer.pending_rollouts(prompts, trainer)


def _check_settings(args: GRPOConfig, credit: CreditConfig, critic: CriticConfig | None) -> None:
    problems = []
    if args.max_steps <= 0:
        problems.append("max_steps has to say how long training is, for a schedule has no end")
    if str(getattr(args.eval_strategy, "value", args.eval_strategy)) != "no":
        problems.append("eval_strategy has to be 'no': play held-out scenarios from a callback, with `play`")
    if not args.use_vllm and (args.min_p or args.repetition_penalty != 1.0):
        problems.append("min_p and repetition_penalty are only there with use_vllm=True")
    if args.mask_truncated_completions:
        problems.append("mask_truncated_completions goes by the last token alone: use mask_overlong")
    if critic is not None and credit.estimator != "step_gae_value":
        problems.append(f"a critic goes with credit.estimator step_gae_value, not {credit.estimator}")
    if problems:
        msg = "; ".join(problems)
        raise AgentError(msg)


def _set_lengths(args: GRPOConfig, collector: Collector) -> None:
    """Tell TRL the collector's limits: of a completion for its losses, of a turn for its generation."""
    args.max_completion_length = collector.limits.max_tokens
    cap = "max_tokens" if args.use_vllm else "max_new_tokens"
    args.generation_kwargs = {**(args.generation_kwargs or {}), cap: collector.limits.max_turn_tokens}
