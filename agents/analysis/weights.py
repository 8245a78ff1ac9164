"""Checkpoints read tensor by tensor: a folder or Hugging Face id with safetensors, in one file or in shards."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tool_gym.errors import AgentError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_CONFIG = "adapter_config.json"

HEAD = "lm_head.weight"
TIED = "tie_word_embeddings"
"""Key of config.json: whether the head is the embedding, and stored once."""


class Header(NamedTuple):
    """What is known of a tensor without reading it."""

    shape: tuple[int, ...]
    dtype: str
    """As safetensors writes it, such as BF16."""


class Weights(Protocol):
    """The tensors of a model, by name, read when they are asked for."""

    source: str
    """What was opened, as the user named it."""
    config: dict[str, Any]
    """The model's config.json."""
    headers: dict[str, Header]
    """Name → shape and type of each tensor."""

    def read(self, name: str) -> Any:
        """Return one tensor, on the processor."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class Checkpoint:
    """A model's safetensors files, mapped into memory and read lazily.

    Raises:
        AgentError: If there is no such model, or it has no safetensors.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.config = read_json(source, "config.json")
        if self.config.get("quantization_config"):
            msg = (
                f"{source} is quantised: its numbers are packed and cannot be compared; name the model it was made from"
            )
            raise AgentError(msg)
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}
        """Name of a tensor → the open file that holds it."""
        self.headers: dict[str, Header] = {}
        try:
            for path in _files(source):
                self._open(path)
        except BaseException:
            self._stack.close()
            raise

    def read(self, name: str) -> Any:
        """Return one tensor."""
        return self._files[name].get_tensor(name)

    def close(self) -> None:
        """Let go of the files."""
        self._stack.close()

    def _open(self, path: str) -> None:
        file, headers = open_safetensors(path, self._stack)
        self.headers |= headers
        self._files |= dict.fromkeys(headers, file)


def open_safetensors(path: str, stack: ExitStack) -> tuple[Any, dict[str, Header]]:
    """Open a safetensors file until `stack` is closed, and return it with the headers of its tensors.

    Raises:
        AgentError: If it is none.
    """
    safetensors = needed("safetensors")
    needed("torch")
    try:
        file = stack.enter_context(safetensors.safe_open(path, framework="pt"))
    except (OSError, safetensors.SafetensorError) as error:
        msg = f"cannot read {path} as safetensors ({str(error)[:120]}): copy or save the model again"
        raise AgentError(msg) from None
    return file, {name: _header(file.get_slice(name)) for name in file.keys()}  # noqa: SIM118 - no mapping


def is_adapter(source: str) -> bool:
    """Return whether a folder or id holds an adapter rather than a whole model."""
    return resolve(source, ADAPTER_CONFIG) is not None and not any(resolve(source, file) for file in (SINGLE, INDEX))


def resolve(source: str, file: str) -> str | None:
    """Return where a file of a model is, fetched through the Hugging Face cache if need be; None if it has none.

    Raises:
        AgentError: If there is no such folder or model, or it cannot be reached.
    """
    if Path(source).is_dir():
        path = Path(source) / file
        return str(path) if path.is_file() else None
    if os.sep in source and (source.startswith((os.sep, ".", "~")) or source.count("/") > 1):
        msg = f"there is no folder {source}; name a folder with a saved model, or a Hugging Face id such as ORG/NAME"
        raise AgentError(msg)
    utils = needed("transformers.utils")
    try:
        found = utils.cached_file(source, file, _raise_exceptions_for_missing_entries=False)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        msg = f"there is no folder {source!r}, and as a Hugging Face id it does not resolve: {why}"
        raise AgentError(msg) from None
    return None if found is None else str(found)


def read_json(source: str, file: str) -> dict[str, Any]:
    """Return a JSON file of a model.

    Raises:
        AgentError: If the model has none, or it cannot be read.
    """
    path = resolve(source, file)
    if path is None:
        where = "there" if Path(source).is_dir() else "in the cache, nor on the hub if that was asked"
        msg = f"{source}: no {file} is {where}; name a folder or a Hugging Face id that `save_pretrained` wrote"
        raise AgentError(msg)
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {str(error)[:120]}"
        raise AgentError(msg) from None
    if not isinstance(found, dict):
        msg = f"{path} holds no JSON object: save the model again"
        raise AgentError(msg)
    return found


def needed(module: str) -> Any:
    """Import a module of the extra `train`.

    Raises:
        AgentError: If it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        msg = f'needs {error.name}, which is in the extra train: pip install "tool-gym[train]"'
        raise AgentError(msg) from None


def _files(source: str) -> list[str]:
    single = resolve(source, SINGLE)
    if single is not None:
        return [single]
    if resolve(source, INDEX) is None:
        msg = (
            f"{source} has no {SINGLE} and no {INDEX}; other formats are not read, so load the model "
            "with transformers and save it with save_pretrained"
        )
        raise AgentError(msg)
    shards = read_json(source, INDEX).get("weight_map")
    if not isinstance(shards, dict) or not all(
        isinstance(shard, str) and _is_plain(shard) for shard in shards.values()
    ):
        msg = f"{source}: {INDEX} has no weight_map of file names; save the model again"
        raise AgentError(msg)
    found = {shard: resolve(source, shard) for shard in sorted(set(shards.values()))}
    missing = [shard for shard, path in found.items() if path is None]
    if missing:
        msg = f"{source} is incomplete: {INDEX} names {missing[0]}, which is not there"
        raise AgentError(msg)
    return [path for path in found.values() if path is not None]


def _is_plain(file: str) -> bool:
    """Return whether a file's name leads nowhere but into its own folder."""
    return Path(file).name == file and file != ".."


def _header(tensor: Any) -> Header:
    return Header(tuple(tensor.get_shape()), str(tensor.get_dtype()))
