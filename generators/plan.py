"""What pack is to be made: how many scenarios, of which shapes and depths, over which domains, from which seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tool_gym import jsonio
from tool_gym.envs.card import check_pack_name
from tool_gym.envs.pack import SPLITS
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.build import DEPTHS, GENERATOR_VERSION, SeedPath, Wish
from tool_gym.generators.domain import Domain, domain_names, load_domain, use_domain
from tool_gym.generators.registers import registers, style_names
from tool_gym.generators.scale import Complexity, asked_for
from tool_gym.generators.seeding import stream

MIX = {
    "single_hop": 9,
    "parallel_single_hop": 12,
    "multi_hop": 22,
    "parallel_multi_hop": 17,
    "write": 9,
    "read_then_write": 7,
    "conditional": 5,
    "multi_turn": 7,
    "ask": 5,
    "decline": 7,
}
"""Shapes and their shares, in percent."""

BLOCK = 16
"""Scenarios that share a world."""

SHARD_BLOCKS = 32
"""Most blocks that are made in one go: what an interrupted run may have to make again."""


@dataclass(frozen=True)
class Shard:
    """Some blocks of one domain: the unit of work that processes share out."""

    split: str
    domain: str
    blocks: tuple[int, ...]

    @property
    def name(self) -> str:
        """A name for a file."""
        return f"{self.split}-{self.domain}-{self.blocks[0]:05d}"


@dataclass(frozen=True)
class PackPlan:
    """What pack is to be made.

    Args:
        name: The pack's id: lower-case letters, digits, `-` and `_`.
        sizes: Split → number of scenarios.
        domains: Split → names of the domains it draws on; None for the bundled domains of that split.
        seed: Root seed.
        complexity: How far the scaling operators go: a level 0 to 4 of all, levels as `"toolset=2,types=1"`, or None,
            which draws them for each scenario.
        shapes: The shapes to make, in the proportions of `MIX`; none for all.
        own: Domains that are not bundled; where `domains` is None, every split draws on just these.
        depths: The depths to make, of those a shape has; shapes that have none of them are left out. None for all.
        registers: The registers of documentation to draw from; none for all.
    """

    name: str
    sizes: dict[str, int]
    domains: dict[str, tuple[str, ...]] | None = None
    seed: int = 0
    complexity: Complexity = None
    shapes: tuple[str, ...] = ()
    own: tuple[Domain, ...] = ()
    depths: tuple[int, ...] = ()
    registers: tuple[str, ...] = ()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the own domains known to the process that reads the plan."""
        self.__dict__.update(state)
        for domain in self.own:
            use_domain(domain)

    def __post_init__(self) -> None:
        """Check the plan.

        Raises:
            PackError: If the name will not do.
            UnknownNameError: If a split, shape, domain or operator does not exist.
            GenerationError: If a number is out of range.
        """
        check_pack_name(self.name)
        for split in (*self.sizes, *(self.domains or ())):
            _check_known("split", split, SPLITS)
        for shape in self.shapes:
            _check_known("shape", shape, tuple(MIX))
        for register in self.registers:
            _check_known("register", register, tuple(registers()))
        if not any(map(self.depths_of, self.shapes or MIX)):
            msg = f"no shape asked for has a depth among {self.depths}; depths are {DEPTHS}"
            raise GenerationError(msg)
        if any(size < 0 for size in self.sizes.values()) or not any(self.sizes.values()):
            msg = f"sizes must be 0 or more and not all 0, not {self.sizes}"
            raise GenerationError(msg)
        asked_for(self.complexity)
        for domain in self.own:
            use_domain(domain)
        for names in (self.domains or {}).values():
            for name in names:
                load_domain(name)

    def domains_of(self, split: str) -> tuple[str, ...]:
        """Return the domains a split draws on."""
        own = tuple(sorted(domain.name for domain in self.own))
        return (self.domains or {}).get(split) or own or domain_names(split)

    def shapes_of(self, split: str) -> list[str]:
        """Return the order in which shapes come up: the mix, shuffled once for the split."""
        shapes = [
            shape
            for shape, share in MIX.items()
            if (not self.shapes or shape in self.shapes) and self.depths_of(shape)
            for _ in range(share)
        ]
        stream(self.seed, split, "shapes").shuffle(shapes)
        return shapes

    def depths_of(self, shape: str) -> tuple[int, ...]:
        """Return the depths a shape is made in."""
        return tuple(depth for depth in DEPTHS[shape] if not self.depths or depth in self.depths)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles of documentation to draw from; none for all."""
        return tuple(name for name in style_names() if name.rsplit("-", 1)[0] in self.registers)

    def path(self, split: str, index: int, attempt: int) -> SeedPath:
        """Return the seed path of an attempt at a scenario."""
        names = self.domains_of(split)
        block = index // BLOCK
        return SeedPath(self.seed, split, names[block % len(names)], block, index, attempt)

    def indices(self, shard: Shard) -> Iterator[int]:
        """Yield the numbers, within their split, of a shard's scenarios."""
        for block in shard.blocks:
            yield from range(block * BLOCK, min((block + 1) * BLOCK, self.sizes[shard.split]))

    def shards(self) -> list[Shard]:
        """Return the shards, in the order of their first scenarios."""
        found = []
        for split in (split for split in SPLITS if self.sizes.get(split)):
            names, count = self.domains_of(split), -(-self.sizes[split] // BLOCK)
            stride = SHARD_BLOCKS * len(names)
            for start in range(0, count, stride):
                for offset, name in enumerate(names[: count - start]):
                    blocks = range(start + offset, min(start + stride, count), len(names))
                    found.append(Shard(split, name, tuple(blocks)))
        return found

    def described(self) -> dict[str, Any]:
        """Return everything the pack follows from, as plain data for its card."""
        return {
            "generator_version": GENERATOR_VERSION,
            "seed": self.seed,
            "sizes": self.sizes,
            "complexity": self.complexity,
            "shapes": list(self.shapes),
            "domains": {split: list(self.domains_of(split)) for split in self.sizes},
            **({"depths": list(self.depths)} if self.depths else {}),
            **({"registers": list(self.registers)} if self.registers else {}),
            **(
                {"own": [domain.model_dump(mode="json", exclude_defaults=True) for domain in self.own]}
                if self.own
                else {}
            ),
        }

    def digest(self) -> str:
        """Return a hash of everything the pack follows from, the domains' own content included."""
        names = sorted({name for split in self.sizes for name in self.domains_of(split)})
        content = [self.name, self.described(), [load_domain(name).model_dump(mode="json") for name in names]]
        return hashlib.blake2b(jsonio.dump_bytes(content, sort_keys=True), digest_size=16).hexdigest()


def wish(plan: PackPlan, shape: str, depth: int) -> Wish:
    """Return what the plan asks of a scenario of a shape and depth."""
    if depth not in DEPTHS[shape]:
        msg = f"{shape} has the depths {DEPTHS[shape]}, not {depth}"
        raise GenerationError(msg)
    return Wish(shape, depth, plan.complexity, plan.styles)


def _check_known(kind: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        error = UnknownNameError.of(kind, name, known)
        raise error
