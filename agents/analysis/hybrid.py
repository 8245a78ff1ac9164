"""Checkpoints made of two: the base with some of the tuned weights, or the tuned model with some of the base's."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from tool_gym.agents.analysis.names import Part, stem
from tool_gym.agents.analysis.pairing import Match, cut
from tool_gym.agents.analysis.selection import Selection
from tool_gym.agents.analysis.weights import HEAD, INDEX, SINGLE, TIED, needed, resolve
from tool_gym.errors import AgentError

SHARD = 2 << 30
"""Bytes after which a new file begins; what is held in memory at a time."""

Way: TypeAlias = Literal["transplant", "revert"]

_TEXTS = (
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


class Hybrid(NamedTuple):
    """Which weights come from which model."""

    way: Way
    """`transplant`: the base, but for what is selected; `revert`: the tuned model, but for what is selected."""
    selection: Selection

    @property
    def text(self) -> str:
        """What it is, in words."""
        return f"base + {self.selection.text}" if self.way == "transplant" else f"tuned − {self.selection.text}"

    def is_tuned(self, part: Part) -> bool:
        """Return whether a part of a weight comes from the tuned model."""
        return self.selection.has(part.place) == (self.way == "transplant")


def mixed(matched: Match, hybrid: Hybrid) -> Iterator[tuple[str, Any]]:
    """Yield the hybrid's weights by name. They are taken over as they are, not as sums of a base and a change.

    Where the two models differ in number type, both are taken to the one that holds the values of both.
    """
    torch = needed("torch")
    base, tuned = matched.base, matched.tuned
    for pair in matched.pairs:
        of_part = {part: hybrid.is_tuned(part) for part in pair.parts}
        kind = _wider(torch, base.headers[pair.base].dtype, tuned.headers[pair.tuned].dtype)
        whole_tuned = all(of_part.values())
        weight = tuned.read(pair.tuned) if whole_tuned else base.read(pair.base)
        weight = weight.to(kind or weight.dtype).contiguous()
        if any(of_part.values()) and not whole_tuned:
            weight = _pieced(weight.clone(), tuned.read(pair.tuned), of_part)
        yield pair.name, weight


def save(folder: Path, matched: Match, hybrid: Hybrid, *, shard: int = SHARD) -> None:
    """Write a hybrid as a folder that `from_pretrained` loads, with the tuned model's tokenizer where it has one.

    Args:
        folder: Where to; made if it is not there.
        matched: The two models.
        hybrid: What comes from which.
        shard: Bytes after which a new file begins.

    Raises:
        AgentError: If the folder holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} is there already and not empty: name a new folder for the model"
        raise AgentError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    kinds = _write(folder, mixed(matched, hybrid), shard)
    config = dict((matched.base if hybrid.way == "transplant" else matched.tuned).config)
    config["torch_dtype" if "torch_dtype" in config else "dtype"] = kinds[0]
    if any(stem(pair.name) == HEAD for pair in matched.pairs):
        config[TIED] = False
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for file in _TEXTS:
        path = resolve(matched.tuned.source, file) or resolve(matched.base.source, file)
        if path is not None:
            shutil.copyfile(path, folder / file)


def _write(folder: Path, weights: Iterator[tuple[str, Any]], shard: int) -> list[str]:
    """Write the tensors, in as many files as they need, and return their number types, the most frequent first."""
    kinds: Counter[str] = Counter()
    shards: list[list[str]] = []
    held: dict[str, Any] = {}
    for name, weight in weights:
        kinds[str(weight.dtype).removeprefix("torch.")] += weight.numel()
        if held and sum(one.nbytes for one in held.values()) + weight.nbytes > shard:
            shards.append(_write_shard(folder, len(shards), held))
            held = {}
        held[name] = weight
    shards.append(_write_shard(folder, len(shards), held))
    _name_shards(folder, shards)
    return [kind for kind, _ in kinds.most_common()]


def _write_shard(folder: Path, number: int, held: dict[str, Any]) -> list[str]:
    needed("safetensors.torch").save_file(held, folder / f"{number}.tmp", metadata={"format": "pt"})
    return list(held)


def _name_shards(folder: Path, shards: list[list[str]]) -> None:
    """Give the files their names, and write which holds what where there are several."""
    if len(shards) == 1:
        (folder / "0.tmp").rename(folder / SINGLE)
        return
    names = [f"model-{number:05}-of-{len(shards):05}.safetensors" for number in range(1, len(shards) + 1)]
    sizes = 0
    for number, name in enumerate(names):
        path = (folder / f"{number}.tmp").rename(folder / name)
        sizes += path.stat().st_size
    index = {
        "metadata": {"total_size": sizes},
        "weight_map": {tensor: name for name, held in zip(names, shards, strict=True) for tensor in held},
    }
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _pieced(weight: Any, tuned: Any, of_part: dict[Part, bool]) -> Any:
    for part, from_tuned in of_part.items():
        if from_tuned:
            cut(weight, part).copy_(cut(tuned, part))
    return weight


def _wider(torch: Any, base: str, tuned: str) -> Any | None:
    """Return the number type that holds the values of both; None where they are of one type."""
    if base == tuned:
        return None
    kinds = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    for name in (base, tuned):
        if name not in kinds:
            msg = f"a weight of type {base} and one of type {tuned} do not go into one model"
            raise AgentError(msg)
    return torch.promote_types(kinds[base], kinds[tuned])
