"""Tasks of EleutherAI's lm-evaluation-harness, run through its Python interface (extra `lm-eval`).

What it downloads (most tasks' data sets) and how it scores is the harness's own; tasks of one's own are YAML files in
a folder named with `--lm-eval-tasks`.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.errors import AgentError


class Metric(NamedTuple):
    """One figure of one task."""

    task: str
    metric: str
    """The harness's name, with its filter where that is not `none`, such as `acc` or `exact_match,strict-match`."""
    value: float
    error: float | None
    """Standard error as the harness estimates it; None where it does not."""


class Harness:
    """Tasks to run, known to the harness.

    Args:
        tasks: Names of tasks or of groups of tasks.
        folder: Where YAML files of own tasks are.
        limit: Documents of each task; None for all.
        batch: Documents at a time.

    Raises:
        AgentError: If the harness is not installed, or there is no such task or folder.
    """

    def __init__(
        self, tasks: Sequence[str], folder: Path | None = None, *, limit: int | None = None, batch: int = 8
    ) -> None:
        _check_installed()
        from lm_eval.tasks import TaskManager

        if folder is not None and not folder.is_dir():
            msg = f"there is no folder {folder} to take lm-eval tasks from"
            raise AgentError(msg)
        self.tasks = list(tasks)
        self.limit = limit
        self.batch = batch
        self._manager = TaskManager(include_path=None if folder is None else str(folder))
        _check_known(self.tasks, self._manager)

    def run(self, model: Any, tokenizer: Any) -> list[Metric]:
        """Return what a causal language model scores.

        Raises:
            AgentError: If a task cannot be run, for example because its data cannot be had.
        """
        import lm_eval
        from lm_eval.models.huggingface import HFLM

        try:
            found = lm_eval.simple_evaluate(
                model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=self.batch),
                tasks=self.tasks,
                task_manager=self._manager,
                limit=self.limit,
                bootstrap_iters=1000,
                log_samples=False,
            )
        except (OSError, ValueError, RuntimeError, LookupError) as error:
            why = " ".join(str(error).split())[:300] or type(error).__name__
            msg = f"lm-eval cannot run {', '.join(self.tasks)}: {why}"
            raise AgentError(msg) from error
        return metrics(found["results"])


def metrics(results: dict[str, dict[str, Any]]) -> list[Metric]:
    """Return the figures among the harness's results.

    >>> metrics({"arc": {"alias": "arc", "acc,none": 0.5, "acc_stderr,none": 0.1}})
    [Metric(task='arc', metric='acc', value=0.5, error=0.1)]
    """
    found = []
    for task, row in results.items():
        for key, value in row.items():
            name, _, kept = key.partition(",")
            if name.endswith("_stderr") or isinstance(value, bool) or not isinstance(value, int | float) or not kept:
                continue
            error = row.get(f"{name}_stderr,{kept}")
            shown = name if kept == "none" else key
            known = float(error) if isinstance(error, int | float) else None
            found.append(Metric(task, shown, float(value), known))
    return found


def _check_installed() -> None:
    if importlib.util.find_spec("lm_eval") is None:
        msg = 'lm-eval tasks need the extra lm-eval: pip install "tool-gym[train,lm-eval]"'
        raise AgentError(msg)


def _check_known(tasks: Sequence[str], manager: Any) -> None:
    for task in tasks:
        if not manager.match_tasks([task]):
            close = difflib.get_close_matches(task, manager.all_tasks, n=3)
            hint = f"close are {', '.join(close)}" if close else "`lm-eval ls tasks` lists them"
            msg = f"lm-eval knows no task {task!r}; {hint}"
            raise AgentError(msg)
