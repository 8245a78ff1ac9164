"""LoRA adapters read as whole models: what each weight of the base becomes when the adapter is merged into it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any, NamedTuple

from tool_gym.agents.analysis.names import stem
from tool_gym.agents.analysis.weights import (
    ADAPTER_CONFIG,
    HEAD,
    TIED,
    Checkpoint,
    Weights,
    is_adapter,
    needed,
    open_safetensors,
    read_json,
    resolve,
)
from tool_gym.errors import AgentError

FILE = "adapter_model.safetensors"

_FACTOR = re.compile(r"^(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<factor>[AB])(?:\.weight)?$")
_PREFIX = "base_model.model."
_CHANGES_BASE = ("pissa", "olora", "corda", "loftq")
"""Ways to begin an adapter that take something out of the base's weights, so that W + s·B·A is not what was trained."""


class _Factors(NamedTuple):
    a: str
    b: str
    embedding: bool


class Adapted:
    """A base model with a LoRA adapter merged into it, tensor by tensor: W' = W + s·B·A.

    s is alpha / r, or alpha / √r with rank-stabilised LoRA, where alpha and r may differ by module as the adapter's
    patterns say. The product is taken in single precision and rounded to the base weight's type, as a merge does.

    Args:
        base: The model that was adapted; closed by its owner, not here.
        source: The adapter's folder or Hugging Face id.

    Raises:
        AgentError: If it is no LoRA adapter of this base, or of a kind whose merge is not W + s·B·A.
    """

    def __init__(self, base: Weights, source: str) -> None:
        self.source = source
        self.config = base.config
        self.headers = dict(base.headers)
        self._base = base
        self._settings = _settings(source)
        path = resolve(source, FILE)
        if path is None:
            msg = f"{source} holds an {ADAPTER_CONFIG} but no {FILE}: save the adapter with safetensors"
            raise AgentError(msg)
        self._stack = ExitStack()
        self._file, self._shapes = open_safetensors(path, self._stack)
        try:
            self._factors, self._whole = self._targets()
            self.headers |= {name: self._shapes[tensor] for name, tensor in self._whole.items()}
        except BaseException:
            self._stack.close()
            raise

    def read(self, name: str) -> Any:
        """Return one tensor of the merged model."""
        whole = self._whole.get(name)
        if whole is not None:
            return self._file.get_tensor(whole)
        weight = self._base.read(name)
        factors = self._factors.get(name)
        if factors is None:
            return weight
        return (weight.float() + self._moved(name, factors)).to(weight.dtype)

    def close(self) -> None:
        """Let go of the adapter's file."""
        self._stack.close()

    def _moved(self, name: str, factors: _Factors) -> Any:
        a, b = self._file.get_tensor(factors.a).float(), self._file.get_tensor(factors.b).float()
        product = b @ a
        if factors.embedding or self._settings.get("fan_in_fan_out"):
            product = product.T
        shape = self.headers[name].shape
        if tuple(product.shape) != shape:
            msg = (
                f"{self.source}: the change of {name} has shape {list(product.shape)}, the weight {list(shape)}; "
                "name the base this adapter was trained on"
            )
            raise AgentError(msg)
        return product * self._scaling(factors.a, a.shape[0])

    def _scaling(self, tensor: str, rank: int) -> float:
        module = tensor.removeprefix(_PREFIX).split(".lora_")[0]
        alpha = _of_pattern(self._settings.get("alpha_pattern"), module, self._settings.get("lora_alpha", rank))
        return float(alpha) / (rank**0.5 if self._settings.get("use_rslora") else rank)

    def _targets(self) -> tuple[dict[str, _Factors], dict[str, str]]:
        """Return the base's weights that the adapter moves, and those that it replaces."""
        known = {stem(name): name for name in self.headers}
        factors: dict[str, dict[str, str]] = {}
        embeddings: set[str] = set()
        whole: dict[str, str] = {}
        for tensor in self._shapes:
            found = _FACTOR.match(tensor)
            if stem(tensor.removeprefix(_PREFIX)) == HEAD and HEAD not in known and self.config.get(TIED):
                continue  # the embedding under its other name
            if found is None:
                whole[self._target(known, tensor, tensor)] = tensor
                continue
            target = self._target(known, found["module"] + ".weight", tensor)
            factors.setdefault(target, {})[found["factor"]] = tensor
            if found["embedding"]:
                embeddings.add(target)
        for target, pair in factors.items():
            if len(pair) != 2:
                msg = f"{self.source}: of the two factors of {target} there is only {next(iter(pair.values()))}"
                raise AgentError(msg)
        return {name: _Factors(pair["A"], pair["B"], name in embeddings) for name, pair in factors.items()}, whole

    def _target(self, known: dict[str, str], name: str, tensor: str) -> str:
        found = known.get(stem(name.removeprefix(_PREFIX)))
        if found is None or (name is tensor and self.headers[found].shape != self._shapes[tensor].shape):
            msg = (
                f"{self.source}: {tensor} {self._shapes[tensor].shape} fits no weight of {self._base.source}; "
                "name the base it was trained on, or merge it (peft's merge_and_unload) and analyze the result"
            )
            raise AgentError(msg)
        return found


def open_weights(source: str, base: Weights | None = None) -> Weights:
    """Open a model, or an adapter on `base`.

    Raises:
        AgentError: If it is neither, or an adapter comes without a base.
    """
    if not is_adapter(source):
        return Checkpoint(source)
    if base is None:
        msg = f"{source} is an adapter; BASE must be the whole model it was trained on"
        raise AgentError(msg)
    return Adapted(base, source)


def _settings(source: str) -> dict[str, Any]:
    needed("torch")
    settings = read_json(source, ADAPTER_CONFIG)
    start = str(settings.get("init_lora_weights", "")).lower()
    odd = [
        name for name in ("use_dora", "lora_bias", "trainable_token_indices", "layer_replication") if settings.get(name)
    ]
    if settings.get("peft_type") != "LORA":
        odd = [f"peft_type {settings.get('peft_type')}"]
    elif start.startswith(_CHANGES_BASE):
        odd = [f"init_lora_weights {start}"]
    if odd:
        msg = (
            f"{source}: an adapter with {odd[0]} is not read as it is; merge it into its base "
            "(peft's merge_and_unload, then save_pretrained) and analyze the result"
        )
        raise AgentError(msg)
    return settings


def _of_pattern(patterns: dict[str, Any] | None, module: str, default: Any) -> Any:
    """Return what the first pattern says that a module's name ends with, as PEFT reads them."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
