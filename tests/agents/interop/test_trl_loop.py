"""The environments in TRL's own `GRPOTrainer`: its loop, its parser, its reward call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agents.interop.made import pack, some_ids
from tests.agents.interop.tiny import model, tokenizer
from tool_gym.agents.encoding import Encoder
from tool_gym.agents.interop.trl_environment import TRLEnvironments, trajectory_of, trl_environments
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import get_policy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError
from tool_gym.trajectory import Trajectory

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]

TASKS = trl_environments(pack(), scenarios=some_ids(6))
PAIR = 2


def trainer_of(tasks: TRLEnvironments, folder: Path, **settings: Any) -> Any:
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        per_device_train_batch_size=4,
        num_generations=PAIR,
        max_completion_length=1500,
        generation_kwargs={"max_new_tokens": 8},
        logging_steps=1,
        **settings,
    )
    return GRPOTrainer(
        model(),
        args=config,
        train_dataset=tasks.dataset(),
        processing_class=tokenizer(),
        environment_factory=tasks.environment_factory,
        reward_funcs=tasks.reward_funcs,
    )


def test_a_trainer_takes_two_steps(tmp_path: Path) -> None:
    trainer = TASKS.install(trainer_of(TASKS, tmp_path, max_steps=2))
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "rewards/tool_gym_return/mean" in entry]
    assert len(logged) == 2
    assert {"goals", "precision", "completeness"} <= set(logged[0])


class Scripted:
    """Stands in for the model's decoding: says, in each rollout, what an episode said."""

    def __init__(self, trainer: Any, episodes: dict[str, Trajectory]) -> None:
        self.trainer, self.episodes, self.encoder = trainer, episodes, Encoder(tokenizer())
        self.said: dict[int, int] = {}

    def __call__(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[list[list[int]], None]:
        waiting = list(range(len(self.trainer.environments)))
        if len(prompt_ids) < len(waiting) or self.said:
            waiting = [row for row in waiting if self.said.get(row, 0) < len(self._steps(row))]
        assert len(waiting) == len(prompt_ids)
        return [self._next(row) for row in waiting], None

    def _steps(self, row: int) -> Any:
        return self.episodes[self.trainer.environments[row]._scenario].steps

    def _next(self, row: int) -> list[int]:
        number = self.said.get(row, 0)
        self.said[row] = number + 1
        return self.encoder.written(self._steps(row)[number].turn)


@pytest.mark.parametrize("policy", ["oracle", "greedy", "random"])
def test_what_a_policy_says_earns_in_trl_what_it_earns_here(policy: str, tmp_path: Path) -> None:
    env = ToolUseEnv(pack())
    episodes = {
        row["scenario_id"]: rollout(env, get_policy(policy), seed=1, options={"scenario": row["scenario_id"]})
        for row in TASKS.rows
    }
    trainer = TASKS.install(trainer_of(TASKS, tmp_path, max_steps=1))
    trainer.model.train()
    trainer._generate_single_turn = Scripted(trainer, episodes)
    seen: list[tuple[float, Trajectory]] = []

    def watch(*, completions: Any, environments: Any, **_: Any) -> list[float]:
        records = [trajectory_of(one, said) for one, said in zip(environments, completions, strict=True)]
        seen.extend((record.episode_return, record) for record in records)
        return [0.0] * len(records)

    trainer.reward_funcs[0] = watch
    inputs = [row for row in TASKS.rows for _ in range(PAIR)][: 4 * PAIR]
    trainer._generate_and_score_completions(inputs)
    assert len(seen) == len(inputs)
    for value, record in seen:
        expected = episodes[record.scenario_id]
        assert value == expected.episode_return
        assert [step.reward for step in record.steps] == [step.reward for step in expected.steps]


def test_the_prompt_shows_the_schemas_of_the_row(tmp_path: Path) -> None:
    trainer = TASKS.install(trainer_of(TASKS, tmp_path, max_steps=1))
    trainer._batch_environments = [row["environment"] for row in TASKS.rows]
    prompts, _, _ = trainer._tokenize_prompts([row["prompt"] for row in TASKS.rows])
    encoder = Encoder(tokenizer())
    for row, ids in zip(TASKS.rows, prompts, strict=True):
        assert ids == encoder.prompt(row["prompt"], TASKS.schemas[row["environment"]])


def test_a_trainer_of_other_environments_is_refused(tmp_path: Path) -> None:
    other = trl_environments(pack(), scenarios=some_ids(3)[:2])
    with pytest.raises(AgentError, match="with others"):
        TASKS.install(trainer_of(other, tmp_path, max_steps=1))
