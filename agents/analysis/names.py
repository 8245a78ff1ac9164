"""Where in a network a weight sits, told from its name, for the common families of decoder-only models.

A name such as `model.layers.3.self_attn.q_proj.weight` says the layer (3), the module (`q`) and the group
(`attention`). Fused projections hold several modules; how their rows are divided is in `fused`. A weight of an
unknown name keeps the end of its name as its module, so that nothing is left out.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

GROUPS = ("attention", "mlp", "norm", "embedding", "head", "other")
"""Kinds of modules, in the order they are shown."""

MODULES = ("q", "k", "v", "qkv", "o", "gate", "up", "gate_up", "down", "router")
"""Modules with a name of their own, in the order they are shown; norms and unknown ones follow."""

_ATTENTION = {
    "q_proj": "q",
    "k_proj": "k",
    "v_proj": "v",
    "o_proj": "o",
    "out_proj": "o",
    "dense": "o",
    "c_proj": "o",
    "query_key_value": "qkv",
    "qkv_proj": "qkv",
    "Wqkv": "qkv",
    "c_attn": "qkv",
    "wq": "q",
    "wk": "k",
    "wv": "v",
    "wo": "o",
}
_MLP = {
    "gate_proj": "gate",
    "up_proj": "up",
    "down_proj": "down",
    "gate_up_proj": "gate_up",
    "w1": "gate",
    "w3": "up",
    "w2": "down",
    "c_fc": "up",
    "c_proj": "down",
    "fc1": "up",
    "fc2": "down",
    "fc_in": "up",
    "fc_out": "down",
    "dense_h_to_4h": "up",
    "dense_4h_to_h": "down",
    "gate": "router",
    "router": "router",
}
_EMBEDDINGS = {"embed_tokens", "wte", "wpe", "embed_in", "word_embeddings", "embed_positions", "tok_embeddings"}
_HEADS = {"lm_head", "embed_out"}

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.(.+)$")
_PREFIX = re.compile(r"^(?:base_model\.)?(?:(?:model|transformer|gpt_neox|decoder|language_model)\.)*")
_OTHER_TOWER = re.compile(r"(?:^|\.)(?:vision|visual|audio|image|speech)")
_ATTENTION_PATH = re.compile(r"(?:^|\.)(?:self_attn|self_attention|attn|attention)\.")
_MLP_PATH = re.compile(r"(?:^|\.)(?:mlp|feed_forward|ffn|block_sparse_moe)\.")
_BUFFER = re.compile(r"(?:^|\.)(?:attn\.(?:masked_)?bias|attention\.(?:masked_)?bias|(?:rotary_emb\.)?inv_freq)$")


class Place(NamedTuple):
    """Where a weight sits."""

    layer: int | None
    """Number of the transformer layer, from 0; None for what is in none (embeddings, head, last norm)."""
    module: str
    """Short name, such as `q` or `down`; an unknown module's own name."""
    group: str
    """One of `GROUPS`."""


class Part(NamedTuple):
    """A share of a weight that belongs to one module: the range [start, stop) along one axis."""

    place: Place
    axis: int = 0
    start: int | None = None
    stop: int | None = None
    """None and None: the whole weight."""


def stem(name: str) -> str:
    """Return a weight's name without what wraps the network, so that checkpoints of one model agree.

    >>> stem("model.layers.0.mlp.up_proj.weight"), stem("transformer.h.0.ln_1.weight"), stem("lm_head.weight")
    ('layers.0.mlp.up_proj.weight', 'h.0.ln_1.weight', 'lm_head.weight')
    """
    return _PREFIX.sub("", name) or name


def is_buffer(name: str) -> bool:
    """Return whether a stored tensor is no weight but a constant that some releases store and others do not.

    >>> is_buffer("h.0.attn.bias"), is_buffer("h.0.attn.c_attn.bias")
    (True, False)
    """
    return _BUFFER.search(name) is not None


def place(name: str) -> Place:
    """Return where a weight sits; never fails.

    >>> place("model.layers.3.self_attn.q_proj.bias")
    Place(layer=3, module='q', group='attention')
    >>> place("transformer.h.11.mlp.c_proj.weight")
    Place(layer=11, module='down', group='mlp')
    >>> place("model.layers.0.mixer.A_log")
    Place(layer=0, module='mixer.A_log', group='other')
    """
    inside = _LAYER.search(name)
    if _OTHER_TOWER.search(name) or inside is None:
        return _outside(name)
    module, group = _of_layer(_owner(inside[2]))
    return Place(int(inside[1]), module, group)


def fused(name: str, shape: tuple[int, ...], config: dict[str, Any]) -> list[Part]:
    """Return the modules that a weight holds, with the rows (or columns) of each.

    Divided are `qkv_proj` and `gate_up_proj` of the Phi-3 kind (one block after another) and GPT-2's `c_attn`. What
    mixes its modules in another way (`query_key_value`, experts in one tensor) is reported as `qkv` or `gate_up`.

    Args:
        name: The weight's name.
        shape: Its shape.
        config: The model's config.json; its head counts say how large q, k and v are.
    """
    where = place(name)
    leaf = _owner(name).rsplit(".", 1)[-1]
    if leaf == "gate_up_proj" and len(shape) <= 2 and shape[0] % 2 == 0:
        return _blocks(where, ("gate", "up"), (shape[0] // 2, shape[0] // 2), 0)
    if leaf == "c_attn" and shape[-1] % 3 == 0 and "n_head" in config:
        return _blocks(where, ("q", "k", "v"), (shape[-1] // 3,) * 3, len(shape) - 1)
    if leaf == "qkv_proj":
        sizes = _head_sizes(config)
        if sum(sizes) == shape[0]:
            return _blocks(where, ("q", "k", "v"), sizes, 0)
    return [Part(where)]


def module_order(name: str) -> tuple[int, int, str]:
    """Return a key that sorts modules as they are shown: those of `MODULES`, then norms, then others."""
    known = MODULES.index(name) if name in MODULES else len(MODULES)
    return known, 0 if _is_norm(name) else 1, name


def _outside(name: str) -> Place:
    short = _owner(stem(name))
    leaf = short.rsplit(".", 1)[-1]
    if not _OTHER_TOWER.search(name):
        if leaf in _EMBEDDINGS:
            return Place(None, short, "embedding")
        if leaf in _HEADS:
            return Place(None, short, "head")
    return Place(None, _unlike_a_group(short, "final"), "norm" if _is_norm(leaf) else "other")


def _of_layer(owner: str) -> tuple[str, str]:
    leaf = owner.rsplit(".", 1)[-1]
    if _is_norm(leaf):
        return _unlike_a_group(leaf, "layer"), "norm"
    if _ATTENTION_PATH.search(owner):
        return _ATTENTION.get(leaf, leaf), "attention"
    if _MLP_PATH.search(owner):
        return _MLP.get(leaf, leaf), "mlp"
    if leaf in ("fc1", "fc2"):  # OPT has them beside its attention, not in a module of their own
        return _MLP[leaf], "mlp"
    return _unlike_a_group(owner, "layer"), "other"


def _unlike_a_group(module: str, prefix: str) -> str:
    """Return a module's name, told apart from that of a group: the last norm of many models is called `norm`."""
    return f"{prefix}_{module}" if module in GROUPS else module


def _owner(name: str) -> str:
    """Return the module's path: the name without `weight` or `bias`."""
    return re.sub(r"\.(?:weight|bias)$", "", name)


def _is_norm(leaf: str) -> bool:
    return "norm" in leaf.lower() or re.fullmatch(r"ln_?\w+", leaf) is not None


def _blocks(where: Place, modules: tuple[str, ...], sizes: tuple[int, ...], axis: int) -> list[Part]:
    parts, start = [], 0
    for module, size in zip(modules, sizes, strict=True):
        parts.append(Part(where._replace(module=module), axis, start, start + size))
        start += size
    return parts


def _head_sizes(config: dict[str, Any]) -> tuple[int, int, int]:
    """Return how many rows q, k and v have; zeros if the config does not say."""
    config = config.get("text_config") or config
    heads = config.get("num_attention_heads") or 0
    size = config.get("head_dim") or (config.get("hidden_size", 0) // heads if heads else 0)
    shared = config.get("num_key_value_heads") or heads
    return heads * size, shared * size, shared * size
