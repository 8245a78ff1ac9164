"""What happens beside the training: progress, sealed checkpoints, evaluation on held-out scenarios."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tool_gym.agents.training.evaluation import Evaluator
from tool_gym.agents.training.folder import seal
from tool_gym.agents.training.processes import Processes
from tool_gym.progress import progress

SHOWN = (
    "held_out/sampled_mean_return",
    "held_out/greedy_mean_return",
    "loss",
    "return",
    "rewards/chosen",
    "rewards/margins",
    "entropy",
    "learning_rate",
)
"""Figures of a log entry that are shown while training, where there are such."""


class Progress(TrainerCallback):
    """A bar on a terminal, a line for each log entry elsewhere; both on standard error."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._stack = ExitStack()
        self._done: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - transformers calls it so
        """Show the bar."""
        if sys.stderr.isatty():
            self._done = self._stack.enter_context(progress(self._what, state.max_steps))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - transformers calls it so
        """Move it."""
        if self._done is not None:
            self._done(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - transformers calls it so
        """Show the figures."""
        logs = kwargs.get("logs") or {}
        shown = "  ".join(f"{key} {float(logs[key]):.4g}" for key in SHOWN if key in logs)
        if not shown or "train_runtime" in logs:
            return
        if self._done is not None:
            self._done(state.global_step, f"{self._what}  {shown}")
        else:
            sys.stderr.write(f"{self._what} {state.global_step}/{state.max_steps}  {shown}\n")
            sys.stderr.flush()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - transformers calls it so
        """Take the bar away."""
        self._done = None
        self._stack.close()


class Sealing(TrainerCallback):
    """Notes what a checkpoint consists of once every process has written its part."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - transformers calls it so
        """Seal the checkpoint just written."""
        self._processes.wait()
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._processes.is_main and checkpoint.is_dir():
            seal(checkpoint)


class Evaluating(TrainerCallback):
    """Evaluates every so many steps; the last step of a stage is evaluated by the run itself.

    Args:
        evaluator: Does it.
        every: Steps between evaluations; 0 for none.
        stage: Name of the stage's folder.
        offset: Steps of the stage before this training began.
        trainer: Given the figures to log.
    """

    def __init__(self, evaluator: Evaluator, every: int, stage: str, offset: int, trainer: Any) -> None:
        self._evaluator = evaluator
        self._every = every
        self._stage = stage
        self._offset = offset
        self._trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - transformers calls it so
        """Evaluate if it is time."""
        step = state.global_step
        if not self._every or step % self._every or step >= state.max_steps:
            return
        total = self._offset + step
        model = self._trainer.accelerator.unwrap_model(self._trainer.model)
        name = f"{self._stage}-step-{total:06d}"
        found = self._evaluator.evaluate(model, name, stage=self._stage, step=total)
        logs = {f"held_out/{key}": value for key, value in found.items()}
        state.log_history.append({**logs, "step": step})
        # Not by the trainer's own log: that would empty what TRL gathers between two entries. Nor is this the entry
        # that may be due at this step.
        due = control.should_log
        self._trainer.callback_handler.on_log(args, state, control, logs)
        control.should_log = due
