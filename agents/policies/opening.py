"""Model policies by name, as a command line names them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tool_gym.agents.policies.chat import ChatPolicy
from tool_gym.dialects import Dialect
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.llm.client import Client
from tool_gym.llm.endpoint import parse_endpoint

if TYPE_CHECKING:
    from tool_gym.agents.policies.local import TransformersPolicy

    ModelPolicy: TypeAlias = ChatPolicy | TransformersPolicy

LOCAL, REMOTE = "hf:", "openai:"
"""What names begin with: `hf:FOLDER_OR_ID`, `openai:BASE_URL#MODEL`."""


@dataclass(frozen=True)
class ModelSettings:
    """How models write turns."""

    max_tokens: int = 1024
    """Longest turn, in tokens."""
    temperature: float = 0.0
    """Of sampling; 0 takes the likeliest token."""
    seconds: float = 300.0
    """Longest that a turn may take: of an endpoint each request, of a local model each batch of turns."""
    concurrency: int = 8
    """Most episodes side by side."""
    seed: int = 0
    """Seed of a local model's sampling."""


def is_model(name: str) -> bool:
    """Return whether a name is that of a model policy."""
    return name.startswith((LOCAL, REMOTE))


@contextmanager
def open_policy(name: str, dialect: str | Dialect, settings: ModelSettings | None = None) -> Iterator[ModelPolicy]:
    """Yield the policy of a name, and close what it has opened.

    Args:
        name: `hf:FOLDER_OR_ID` or `openai:BASE_URL#MODEL`; also the policy's name in records.
        dialect: The environment's.
        settings: How turns are written; None for the usual.

    Raises:
        UnknownNameError: If it is neither.
        AgentError: If the model cannot be loaded, or lacks its extra.
        EndpointError: If the endpoint is misnamed.
    """
    how = settings or ModelSettings()
    common: dict[str, Any] = {"max_tokens": how.max_tokens, "temperature": how.temperature, "name": name}
    if name.startswith(REMOTE):
        endpoint = parse_endpoint(name.removeprefix(REMOTE))
        endpoint = replace(endpoint, read_seconds=how.seconds, total_seconds=how.seconds)
        with Client(endpoint, concurrency=how.concurrency) as client:
            yield ChatPolicy(client, dialect=dialect, concurrency=how.concurrency, **common)
    elif name.startswith(LOCAL):
        yield _policy_class().load(
            name.removeprefix(LOCAL),
            dialect=dialect,
            seconds=how.seconds,
            seed=how.seed,
            max_batch=how.concurrency,
            **common,
        )
    else:
        error = UnknownNameError.of("kind of model policy", name, (f"{LOCAL}FOLDER_OR_ID", f"{REMOTE}BASE_URL#MODEL"))
        raise error


def _policy_class() -> type[TransformersPolicy]:
    try:
        from tool_gym.agents.policies.local import TransformersPolicy
    except ModuleNotFoundError as error:
        msg = f'a local model needs the extra train ({error}): pip install "tool-gym[train]"'
        raise AgentError(msg) from None
    return TransformersPolicy
