"""Episodes of a model that is being trained: sampled or greedy, without a trace in the training's own randomness."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from tool_gym.agents.training.sections import EnvSection
from tool_gym.envs.pack import Pack
from tool_gym.generators.seeding import stream
from tool_gym.progress import progress

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.prefixes import Prefixes
    from tool_gym.agents.rollouts import Collector, Rollout
    from tool_gym.agents.training.processes import Processes

CHUNK = 8
"""Batches of rows after which the progress bar moves."""


class Player:
    """Plays scenarios of a pack with a model, as the configuration says.

    Args:
        pack: The scenarios.
        encoder: Turns conversations into tokens.
        env: Reward and caps.
        rows: Most episodes side by side.
        pad_id: The tokenizer's padding token.
        processes: They share the episodes.
        mixed: Whether the model computes in bfloat16.
    """

    def __init__(  # noqa: PLR0913 - what playing needs
        self,
        pack: Pack,
        encoder: Encoder,
        env: EnvSection,
        *,
        rows: int,
        pad_id: int,
        processes: Processes,
        mixed: bool,
    ) -> None:
        self._pack = pack
        self._encoder = encoder
        self._env = env
        self._rows = rows
        self._pad_id = pad_id
        self._processes = processes
        self._mixed = mixed

    def play(  # noqa: PLR0913 - what one wish consists of
        self,
        model: Any,
        scenarios: Sequence[str],
        seeds: Sequence[int],
        *,
        temperature: float,
        seed: int,
        what: str = "playing",
    ) -> list[Rollout]:
        """Play one episode of each scenario, shared out over the processes, and return all in order.

        Args:
            model: The model, on its device; left in the mode it was in.
            scenarios: Ids, as often as they are to be played.
            seeds: The environment's seed for each.
            temperature: Of sampling; 0 is greedy.
            seed: Of sampling.
            what: What the progress bar says.
        """
        import torch

        mine = self._processes.share(list(zip(scenarios, seeds, strict=True)))
        device = next(model.parameters()).device
        generator = torch.Generator(device=device)
        generator.manual_seed(stream(seed, "play", self._processes.rank).getrandbits(62))
        found: list[Rollout] = []
        with undisturbed(model), self._precision(device), progress(what, len(mine)) as done:
            collector = self.collector(max(1, min(self._rows, len(mine))))
            size = self._rows * CHUNK
            for start in range(0, len(mine), size):
                part = mine[start : start + size]
                generate = self._generate(model, temperature, generator)
                ids, of_env = [one for one, _ in part], [one for _, one in part]
                found += collector.collect(ids, generate, seeds=of_env)
                done(len(found))
        return self._processes.gather(found)

    def collector(self, rows: int, pack: Pack | None = None, prefixes: Prefixes | None = None) -> Collector:
        """Return what plays episodes of a pack, or else of its own, with whatever writes the turns.

        Args:
            rows: Most episodes side by side.
            pack: The pack; None for the one all else is played of.
            prefixes: What single turns are played behind; None for whole episodes.
        """
        from tool_gym.agents.prefixes import PrefixCollector
        from tool_gym.agents.rollouts import Collector, Limits

        found, limits, reward = pack or self._pack, Limits(**self._env.limits.model_dump()), self._env.reward
        if prefixes is not None:
            return PrefixCollector(found, self._encoder, prefixes, limits=limits, reward=reward, rows=rows)
        return Collector(found, self._encoder, limits=limits, reward=reward, rows=rows)

    def _generate(self, model: Any, temperature: float, generator: Any) -> Any:
        from tool_gym.agents.sampling import Sampler

        encoder = self._encoder
        sampler = Sampler(
            model,
            pad_id=self._pad_id,
            stop_ids=encoder.stop_ids,
            max_batch=self._rows,
            text_end=encoder.text_end,
            reuse=model.device.type == "cpu",  # on a GPU memory is dearer than reading again
        )
        longest = self._env.limits.max_turn_tokens

        def generate(prefixes: Sequence[Sequence[int]]) -> Any:
            return sampler.sample(prefixes, max_new_tokens=longest, temperature=temperature, generator=generator)

        return generate

    def _precision(self, device: Any) -> Any:
        import torch

        return torch.autocast(device.type, dtype=torch.bfloat16) if self._mixed else nullcontext()


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put a model into evaluation mode, and every source of randomness back as it was afterwards."""
    import torch

    training, state, of_numpy = model.training, random.getstate(), np.random.get_state()  # noqa: NPY002 - saved, not used
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    model.eval()
    try:
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            yield
    finally:
        model.train(training)
        random.setstate(state)
        np.random.set_state(of_numpy)  # noqa: NPY002 - see above
