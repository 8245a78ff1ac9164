"""One of several processes that train together, as `accelerate launch` starts them; prints what it ended with.

RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 MASTER_ADDR=127.0.0.1 MASTER_PORT=29501 python -m tests.agents.two_processes DIR
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from tests.agents.test_grpo import trainer
from tool_gym.agents.credit import CreditConfig
from tool_gym.agents.grpo.internals import HookedGRPOTrainer

SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 4,
    "num_generations": 8,
    "save_strategy": "steps",
    "save_steps": 1,
    "credit": CreditConfig(estimator="step_gae_value"),
}
"""One group, four members of it in each of two processes."""


def main(folder: str) -> None:
    """Train two steps and resume after the first; then the same with TRL's generation."""
    ours = train(Path(folder) / "ours")
    HookedGRPOTrainer.generates_together = property(lambda _: True)  # type: ignore[method-assign,assignment]
    trls = train(Path(folder) / "trls")
    sys.stdout.write("FOUND " + json.dumps({"ours": ours, "trls": trls}) + "\n")


def train(folder: Path) -> dict[str, Any]:
    made: Any = trainer(folder, **SETTINGS)
    made.train()
    again = trainer(folder, **SETTINGS)
    again.train(resume_from_checkpoint=str(folder / "checkpoint-1"))
    return {
        "wrapped": type(made.model_wrapped).__name__,
        "weights": digest(made),
        "resumed": digest(again),
        "results": made.schedule.results,
        "logged": [entry["return"] for entry in made.state.log_history if "return" in entry],
        "own": [sum(rollout.rewards) for rollout in made._rollouts],
    }


def digest(made: Any) -> str:
    state = made.accelerator.unwrap_model(made.model).state_dict()
    return hashlib.sha256(b"".join(weight.numpy().tobytes() for weight in state.values())).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1])
