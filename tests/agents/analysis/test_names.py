"""Layers and modules told from weights' names, and selections of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.agents.analysis.names import GROUPS, Part, Place, fused, is_buffer, module_order, place, stem
from tool_gym.agents.analysis.selection import Selection, by_layers, by_modules, check, parse
from tool_gym.errors import AgentError, UnknownNameError

NAMES = {
    "model.layers.7.self_attn.q_proj.weight": Place(7, "q", "attention"),
    "model.layers.7.self_attn.k_proj.bias": Place(7, "k", "attention"),
    "model.layers.7.self_attn.o_proj.weight": Place(7, "o", "attention"),
    "model.layers.7.self_attn.q_norm.weight": Place(7, "q_norm", "norm"),
    "model.layers.7.input_layernorm.weight": Place(7, "input_layernorm", "norm"),
    "model.layers.7.pre_feedforward_layernorm.weight": Place(7, "pre_feedforward_layernorm", "norm"),
    "model.layers.0.mlp.gate_proj.weight": Place(0, "gate", "mlp"),
    "model.layers.0.mlp.down_proj.weight": Place(0, "down", "mlp"),
    "model.layers.0.mlp.gate_up_proj.weight": Place(0, "gate_up", "mlp"),
    "model.layers.0.mlp.experts.5.up_proj.weight": Place(0, "up", "mlp"),
    "model.layers.0.mlp.gate.weight": Place(0, "router", "mlp"),
    "model.layers.2.block_sparse_moe.experts.1.w2.weight": Place(2, "down", "mlp"),
    "model.layers.3.self_attn.dense.weight": Place(3, "o", "attention"),
    "model.layers.3.mlp.fc1.weight": Place(3, "up", "mlp"),
    "model.decoder.layers.3.fc2.weight": Place(3, "down", "mlp"),
    "model.decoder.layers.3.self_attn.out_proj.weight": Place(3, "o", "attention"),
    "transformer.h.11.attn.c_attn.weight": Place(11, "qkv", "attention"),
    "h.11.attn.c_proj.weight": Place(11, "o", "attention"),
    "transformer.h.11.mlp.c_fc.bias": Place(11, "up", "mlp"),
    "transformer.h.11.mlp.c_proj.weight": Place(11, "down", "mlp"),
    "transformer.h.11.ln_1.weight": Place(11, "ln_1", "norm"),
    "gpt_neox.layers.4.attention.query_key_value.weight": Place(4, "qkv", "attention"),
    "gpt_neox.layers.4.mlp.dense_h_to_4h.weight": Place(4, "up", "mlp"),
    "model.layers.1.self_attn.q_a_proj.weight": Place(1, "q_a_proj", "attention"),
    "model.layers.1.linear_attn.conv1d.weight": Place(1, "linear_attn.conv1d", "other"),
    "model.embed_tokens.weight": Place(None, "embed_tokens", "embedding"),
    "transformer.wpe.weight": Place(None, "wpe", "embedding"),
    "lm_head.weight": Place(None, "lm_head", "head"),
    "model.norm.weight": Place(None, "final_norm", "norm"),
    "transformer.ln_f.bias": Place(None, "ln_f", "norm"),
    "model.vision_tower.layers.0.self_attn.q_proj.weight": Place(
        None, "vision_tower.layers.0.self_attn.q_proj", "other"
    ),
    "something.new": Place(None, "something.new", "other"),
}
PLACES = [place(name) for name in NAMES]


@pytest.mark.parametrize("name", NAMES, ids=NAMES)
def test_a_name_says_layer_module_and_group(name: str) -> None:
    assert place(name) == NAMES[name]


@given(st.text(min_size=1))
def test_any_name_has_a_place_with_a_module(name: str) -> None:
    found = place(name)
    assert found.module
    assert found.group in GROUPS


@given(st.text(st.sampled_from("abm.l0hqx_"), min_size=1))
def test_a_stem_is_the_end_of_its_name(name: str) -> None:
    assert stem(name)
    assert name.endswith(stem(name))


def test_constants_that_only_some_releases_store_are_known() -> None:
    assert is_buffer("h.0.attn.masked_bias")
    assert is_buffer("model.layers.0.self_attn.rotary_emb.inv_freq")
    assert not is_buffer("transformer.h.0.attn.c_proj.bias")


def test_phi3_rows_are_divided_by_head_counts() -> None:
    config = {"num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 32}
    parts = fused("model.layers.0.self_attn.qkv_proj.weight", (64, 32), config)
    assert [(part.place.module, part.start, part.stop) for part in parts] == [
        ("q", 0, 32),
        ("k", 32, 48),
        ("v", 48, 64),
    ]
    assert {part.axis for part in parts} == {0}
    gates = fused("model.layers.0.mlp.gate_up_proj.weight", (20, 8), config)
    assert [(part.place.module, part.start, part.stop) for part in gates] == [("gate", 0, 10), ("up", 10, 20)]


@pytest.mark.parametrize(("shape", "axis"), [((8, 24), 1), ((24,), 0)], ids=["weight", "bias"])
def test_gpt2_columns_are_divided_in_three(shape: tuple[int, ...], axis: int) -> None:
    parts = fused("transformer.h.0.attn.c_attn.weight", shape, {"n_head": 2})
    assert [(part.place.module, part.axis, part.start, part.stop) for part in parts] == [
        ("q", axis, 0, 8),
        ("k", axis, 8, 16),
        ("v", axis, 16, 24),
    ]


def test_a_fused_weight_of_unknown_division_stays_whole() -> None:
    name = "model.layers.0.self_attn.qkv_proj.weight"
    assert fused(name, (60, 32), {}) == [Part(Place(0, "qkv", "attention"))]
    experts = "model.layers.0.mlp.experts.gate_up_proj"
    assert fused(experts, (4, 8, 20), {}) == [Part(Place(0, "gate_up", "mlp"))]


def test_modules_are_shown_in_the_order_of_a_layer() -> None:
    modules = ["zeta", "down", "input_layernorm", "q", "up", "o"]
    assert sorted(modules, key=module_order) == ["q", "o", "up", "down", "input_layernorm", "zeta"]


def test_a_selection_takes_layers_and_modules_or_groups() -> None:
    chosen = parse("layers=0-2,7, modules=mlp,o")
    assert chosen.has(Place(1, "gate", "mlp"))
    assert chosen.has(Place(7, "o", "attention"))
    assert not chosen.has(Place(7, "q", "attention"))
    assert not chosen.has(Place(3, "gate", "mlp"))
    assert not chosen.has(Place(None, "lm_head", "head"))
    assert parse("layers=outside").has(Place(None, "lm_head", "head"))
    assert all(parse("all").has(one) for one in PLACES)


@pytest.mark.parametrize(
    "text",
    ["", "layers", "layers=", "layers=2-1", "layers=a", "layers=0,layers=1", "depth=3", "=1", "layers=0=1", "0-2", ","],
)
def test_a_selection_that_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(AgentError, match=r"layers=0-2,modules=mlp"):
        parse(text)


def test_a_selection_names_what_the_model_has_not() -> None:
    with pytest.raises(UnknownNameError, match="layer 40; this model has the layers 0 to 11"):
        check(parse("layers=40,0,50"), PLACES)
    with pytest.raises(UnknownNameError, match="Did you mean 'gate'"):
        check(parse("modules=gates"), PLACES)
    with pytest.raises(AgentError, match="selects nothing"):
        check(parse("layers=11,modules=router"), PLACES)
    check(parse("layers=0,7,modules=mlp"), PLACES)


@given(st.integers(1, 5), st.sampled_from(["layers", "modules"]))
def test_a_sweep_parts_the_model(size: int, kind: str) -> None:
    selections: list[Selection] = by_layers(PLACES, size) if kind == "layers" else by_modules(PLACES)
    for one in PLACES:
        assert sum(selection.has(one) for selection in selections) == 1
    for selection in selections:
        again = parse(selection.text)
        assert [again.has(one) for one in PLACES] == [selection.has(one) for one in PLACES]
