"""The processes of a run: one, or as many as `accelerate launch` started; only the first writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

from tool_gym.errors import AgentError

Item = TypeVar("Item")

INSTALL = 'pip install "tool-gym[train]"'


def check_installed() -> None:
    """Raise unless the packages of the extra `train` can be imported.

    Raises:
        AgentError: Naming the one that is missing.
    """
    for name in ("torch", "transformers", "trl", "datasets", "accelerate", "peft", "matplotlib"):
        try:
            __import__(name)
        except ImportError as error:
            msg = f"training needs the extra train ({error}): {INSTALL}"
            raise AgentError(msg) from None


class Processes:
    """This process among those of the run.

    Args:
        device: "auto", "cpu" or "cuda".

    Raises:
        AgentError: If a GPU is asked for and there is none.
    """

    def __init__(self, device: str = "auto") -> None:
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            msg = "run.device is cuda, and torch sees no GPU here; use auto or cpu"
            raise AgentError(msg)
        self.on_gpu = device != "cpu" and torch.cuda.is_available()
        self.rank = int(os.environ.get("RANK", "0"))
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.device = torch.device("cuda" if self.on_gpu else "cpu")
        self._state: Any = None
        if self.count > 1:
            from accelerate import PartialState

            self._state = PartialState(cpu=not self.on_gpu)
            self.device = self._state.device

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait for the others."""
        if self._state is not None:
            self._state.wait_for_everyone()

    def share(self, items: Sequence[Item]) -> list[Item]:
        """Return this process's part: every count-th item."""
        return list(items[self.rank :: self.count])

    def gather(self, items: Sequence[Item]) -> list[Item]:
        """Return the parts of all, put together in the order they were shared out from."""
        if self._state is None:
            return list(items)
        from accelerate.utils import gather_object

        parts = gather_object([list(items)])
        longest = max(map(len, parts), default=0)
        return [part[place] for place in range(longest) for part in parts if place < len(part)]
