"""TransformersPolicy: a causal language model of transformers, in this process."""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch

from tool_gym.agents.encoding import Encoder
from tool_gym.agents.models.loading import load_model, stop_ids
from tool_gym.agents.policies.base import check_dialect, check_range
from tool_gym.agents.sampling import Sampled, Sampler
from tool_gym.dialects import Dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream
from tool_gym.messages import Conversation

_REMEMBERED = 65_536
"""Turns whose tokens are kept: what a model wrote is not always what a tokenizer makes of its text."""


class TransformersPolicy:
    """Has a local model write the turns of all episodes in one batch.

    The context of a turn is the conversation token by token as the model saw and wrote it (`Encoder`), made anew each
    time from the turns' own text; the tokens of recent turns are remembered, so that nothing a model wrote is tokenised
    again. A turn that is cut at `max_tokens` is played as it stands; where a conversation fills the model's context, it
    says nothing more. `counts` says how often that was.

    Chance depends on `seed`, on what the model is shown, and on how often it was shown just that before: neither on the
    other episodes of a batch nor on how many there are, but for rounding, which depends on the shape of a batch.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        dialect: The environment's; turns must be text.
        prompt: Whether the tokenizer's chat template or the dialect shows the conversation; None for the template where
            there is one.
        max_tokens: Longest turn, in tokens.
        temperature: Of sampling; 0 takes the likeliest token.
        seconds: Longest that a batch of turns may take; None for any time.
        seed: Seed of sampling.
        max_batch: Most episodes decoded side by side.
        name: Name in tables and records.

    Raises:
        AgentError: If a number is out of its range, or the tokenizer or the dialect will not do.
        UnknownNameError: If there is no such dialect.
    """

    def __init__(  # noqa: PLR0913 - the settings of sampling, by name
        self,
        model: Any,
        tokenizer: Any,
        *,
        dialect: str | Dialect = "hermes",
        prompt: Literal["template", "dialect"] | None = None,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seconds: float | None = None,
        seed: int = 0,
        max_batch: int = 64,
        name: str = "transformers",
    ) -> None:
        check_range(max_tokens=max_tokens, seconds=seconds)
        self.name = name
        self.encoder = Encoder(tokenizer, dialect, prompt=prompt, stop_ids=stop_ids(model))
        self.counts: Counter[str] = Counter()
        """Turns, and among them those that were cut or overlong."""
        pad = tokenizer.pad_token_id
        self._sampler = Sampler(
            model,
            pad_id=0 if pad is None else pad,
            stop_ids=self.encoder.stop_ids,
            max_batch=max_batch,
            text_end=self.encoder.text_end,
        )
        self._model = model
        self._window = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._seconds = seconds
        self._seed = seed
        self._asked: Counter[bytes] = Counter()
        self._written: OrderedDict[tuple[bytes, str], Sampled] = OrderedDict()

    @classmethod
    def load(
        cls, model: str | os.PathLike[str], *, device: str = "auto", dtype: str = "auto", **settings: Any
    ) -> TransformersPolicy:
        """Return the policy of a model by folder or Hugging Face id; `settings` are those of the class.

        Args:
            model: The folder or id.
            device: As for `load_model`; "auto" takes a GPU where there is one.
            dtype: As for `load_model`; "auto" takes bfloat16 on a GPU.
            **settings: As for the class.

        Raises:
            AgentError: If it cannot be loaded.
        """
        loaded, tokenizer = load_model(model, device=device, dtype=dtype)
        return cls(loaded, tokenizer, **{"name": f"hf:{os.fspath(model)}", **settings})

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Check that the environment reads what this policy writes; chance is as the class says, whatever the seed."""
        del seed
        check_dialect(env, self.encoder.dialect.name, self.name)

    def act(self, observation: str, info: dict[str, Any]) -> str:
        """Return the next turn."""
        return self.act_many([observation], [info])[0]

    def act_many(self, observations: Sequence[str], infos: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the next turn of every episode.

        Raises:
            AgentError: If it takes longer than it may, or the model is broken.
        """
        del observations
        prefixes = [self.context(info) for info in infos]
        fitting = [row for row, prefix in enumerate(prefixes) if self._window is None or len(prefix) < self._window]
        sampled = dict(zip(fitting, self._sample([prefixes[row] for row in fitting]), strict=True))
        self.counts["turns"] += len(infos)
        self.counts["overlong"] += len(infos) - len(fitting)
        self.counts["cut"] += sum(not turn.stopped for turn in sampled.values())
        return [self._said(prefixes[row], sampled[row]) if row in sampled else "" for row in range(len(infos))]

    def context(self, info: Mapping[str, Any]) -> list[int]:
        """Return the tokens the model is shown: the conversation up to its cue to speak."""
        messages, tools = info["messages"], info["tools"]
        if not isinstance(messages, Conversation):  # a wrapper has changed it: there are no turns as they were written
            return self.encoder.prompt(list(messages), tools)
        ids = self.encoder.prompt(messages.opening, tools)
        for number, step in enumerate(messages.steps):
            known = self._written.get((_digest(ids), step.turn.raw))
            own, stopped = known or (self.encoder.written(step.turn), True)
            ids += own
            ids += self.encoder.after(step, number, tools, stopped=stopped)
        return ids

    def _sample(self, prefixes: Sequence[list[int]]) -> list[Sampled]:
        generators = None
        if self._temperature > 0:
            generators = [self._generator(prefix) for prefix in prefixes]
        with self._limited(len(prefixes)):
            return self._sampler.sample(
                prefixes, max_new_tokens=self._max_tokens, temperature=self._temperature, generator=generators
            )

    def _generator(self, prefix: list[int]) -> torch.Generator:
        key = _digest(prefix)
        number = self._asked[key]
        self._asked[key] += 1
        return torch.Generator().manual_seed(stream(self._seed, key.hex(), number).getrandbits(62))

    def _said(self, prefix: list[int], turn: Sampled) -> str:
        """Return what a turn says, and remember its tokens."""
        text = self.encoder.text(turn.ids)
        self._written[_digest(prefix), text] = turn
        if len(self._written) > _REMEMBERED:
            self._written.popitem(last=False)
        return text

    @contextmanager
    def _limited(self, turns: int) -> Iterator[None]:
        """Raise `AgentError` once the model has been asked for too long."""
        if self._seconds is None:
            yield
            return
        end = time.monotonic() + self._seconds

        def check(*_: object) -> None:
            if time.monotonic() > end:
                msg = (
                    f"{self.name} did not write {turns} turns within {self._seconds:g} s; allow more time or a lower "
                    "max_tokens, or play fewer episodes side by side"
                )
                raise AgentError(msg)

        hook = self._model.register_forward_pre_hook(check)
        try:
            yield
        finally:
            hook.remove()


def _digest(ids: Sequence[int]) -> bytes:
    return hashlib.blake2b(array("q", ids).tobytes(), digest_size=16).digest()
