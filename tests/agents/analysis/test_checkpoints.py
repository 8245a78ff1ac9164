"""Checkpoints of real (tiny, random) models: read, compared, mixed and written (needs the train extra)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.analysis.models import FAMILIES, adapted, gpt2, llama, qwen3, saved, stirred
from tool_gym.agents.analysis.adapter import Adapted, open_weights
from tool_gym.agents.analysis.change import Sums, change
from tool_gym.agents.analysis.hybrid import Hybrid, save
from tool_gym.agents.analysis.names import Place
from tool_gym.agents.analysis.pairing import Match, cells, match, measured
from tool_gym.agents.analysis.selection import Selection, parse
from tool_gym.agents.analysis.weights import Checkpoint
from tool_gym.errors import AgentError

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning"),  # PEFT asks by the old name
]


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    import torch

    torch.manual_seed(0)


def compared(base: str, tuned: str) -> Match:
    opened = open_weights(base)
    return match(opened, open_weights(tuned, opened))


def sums_of(base: str, tuned: str) -> dict[Place, Sums]:
    return cells(list(measured(compared(base, tuned))))


def state_of(folder: Path | str) -> dict[str, Any]:
    from transformers import AutoModelForCausalLM

    return dict(AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto").state_dict())


def assert_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    import torch

    assert one.keys() == other.keys()
    for name, weight in one.items():
        assert weight.dtype == other[name].dtype, name
        assert torch.equal(weight, other[name]), name


@pytest.mark.parametrize("family", FAMILIES, ids=FAMILIES)
def test_a_model_beside_itself_has_not_changed(family: str, tmp_path: Path) -> None:
    folder = saved(FAMILIES[family](), tmp_path / "base")
    found = sums_of(folder, folder)
    assert {place.layer for place in found} == {None, 0, 1}
    assert {place.module for place in found if place.layer == 0} >= {"q", "k", "v", "o", "up", "down"}
    for of in found.values():
        assert of.changed == of.absolute == of.squared == 0
        assert change(of).cosine in (None, pytest.approx(1.0))


@pytest.mark.parametrize("family", FAMILIES, ids=FAMILIES)
def test_every_parameter_is_counted_once(family: str, tmp_path: Path) -> None:
    model = FAMILIES[family]()
    base = saved(model, tmp_path / "base")
    found = sums_of(base, saved(stirred(model), tmp_path / "tuned"))
    assert sum(of.entries for of in found.values()) == sum(weight.numel() for weight in model.parameters())


def test_one_changed_weight_is_found_where_it_is(tmp_path: Path) -> None:
    import torch

    model = llama()
    base = saved(model, tmp_path / "base")
    weight = model.model.layers[1].mlp.down_proj.weight
    norm = float(weight.detach().double().norm())
    with torch.no_grad():
        weight[0, 0] += 3.0
        weight[1, 2] -= 4.0
    found = sums_of(base, saved(model, tmp_path / "tuned"))
    moved = {place for place, of in found.items() if of.changed}
    assert moved == {Place(1, "down", "mlp")}
    figures = change(found[Place(1, "down", "mlp")])
    assert figures.relative == pytest.approx(5 / norm, rel=1e-6)
    assert figures.mean_absolute == pytest.approx(7 / (16 * 24), rel=1e-6)
    assert figures.changed == 2 / (16 * 24)


@pytest.mark.parametrize(
    ("family", "module", "rows"), [("gpt2", "k", slice(16, 32)), ("phi3", "v", slice(24, 32))], ids=["gpt2", "phi3"]
)
def test_fused_projections_are_divided_as_the_model_divides_them(
    family: str, module: str, rows: slice, tmp_path: Path
) -> None:
    import torch

    model = FAMILIES[family]()
    base = saved(model, tmp_path / "base")
    with torch.no_grad():
        if family == "gpt2":
            model.transformer.h[0].attn.c_attn.weight[:, rows] += 1
        else:
            model.model.layers[0].self_attn.qkv_proj.weight[rows] += 1
    found = sums_of(base, saved(model, tmp_path / "tuned"))
    assert {place.module for place, of in found.items() if of.changed} == {module}


def test_shards_are_one_model(tmp_path: Path) -> None:
    model = llama()
    base = saved(model, tmp_path / "base")
    whole = saved(stirred(model), tmp_path / "whole")
    sharded = saved(model, tmp_path / "sharded", max_shard_size="4KB")
    assert len(list(Path(sharded).glob("*.safetensors"))) > 2
    assert sums_of(base, sharded) == sums_of(base, whole)
    next(iter(sorted(Path(sharded).glob("*.safetensors")))).unlink()
    with pytest.raises(AgentError, match="incomplete"):
        Checkpoint(sharded)
    index = Path(sharded) / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": f"../{Path(whole).name}/model.safetensors"}}))
    with pytest.raises(AgentError, match="no weight_map of file names"):
        Checkpoint(sharded)


def test_names_without_the_wrapper_and_a_stored_tied_head_still_match(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = saved(qwen3(), tmp_path / "base")
    bare = Path(saved(qwen3(), tmp_path / "bare"))
    weights = load_file(Path(base) / "model.safetensors")
    renamed = {name.removeprefix("model."): weight for name, weight in weights.items()}
    renamed["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(renamed, bare / "model.safetensors")
    assert all(of.changed == 0 for of in sums_of(base, str(bare)).values())


@pytest.mark.parametrize("what", ["shape", "family", "layers"])
def test_other_architectures_are_refused_with_the_first_difference(what: str, tmp_path: Path) -> None:
    other = {"shape": llama(intermediate_size=28), "family": gpt2(), "layers": llama(num_hidden_layers=3)}[what]
    says = {"shape": r"mlp.*has shape \[.*24.*28", "family": "llama model.*gpt2 model", "layers": r"layers\.2\."}[what]
    with pytest.raises(AgentError, match=says):
        compared(saved(llama(), tmp_path / "base"), saved(other, tmp_path / "tuned"))


def test_broken_models_are_refused(tmp_path: Path) -> None:
    import torch

    model = llama()
    base = saved(model, tmp_path / "base")
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = float("nan")
    with pytest.raises(AgentError, match=r"layers\.0\.mlp\.up_proj\.weight of .*tuned holds a not-a-number"):
        sums_of(base, saved(model, tmp_path / "tuned"))
    for name, says in (("nowhere/at/all", "no folder"), ("no-such-model", "Hugging Face id")):
        with pytest.raises(AgentError, match=says):
            Checkpoint(name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AgentError, match=r"no config\.json is there"):
        Checkpoint(str(tmp_path / "empty"))
    (tmp_path / "tuned" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(AgentError, match="cannot read"):
        Checkpoint(str(tmp_path / "tuned"))
    config = tmp_path / "tuned" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"quantization_config": {"bits": 4}}))
    with pytest.raises(AgentError, match="quantised"):
        Checkpoint(str(tmp_path / "tuned"))


def hybrid_of(base: str, tuned: str, hybrid: Hybrid, folder: Path, **options: Any) -> dict[str, Any]:
    save(folder, compared(base, tuned), hybrid, **options)
    return state_of(folder)


@pytest.mark.parametrize("family", FAMILIES, ids=FAMILIES)
def test_all_transplanted_is_tuned_and_all_reverted_is_base(family: str, tmp_path: Path) -> None:
    model = FAMILIES[family]()
    base = saved(model, tmp_path / "base")
    tuned = saved(stirred(model), tmp_path / "tuned")
    one = hybrid_of(base, tuned, Hybrid("transplant", Selection()), tmp_path / "one", shard=4000)
    assert (tmp_path / "one" / "model.safetensors.index.json").is_file()
    assert_equal(one, state_of(tuned))
    assert_equal(hybrid_of(base, tuned, Hybrid("revert", Selection()), tmp_path / "other"), state_of(base))


@pytest.mark.parametrize("family", ["llama", "gpt2", "phi3"])
def test_a_transplant_and_the_revert_of_the_rest_are_one_model(family: str, tmp_path: Path) -> None:
    model = FAMILIES[family]()
    base = saved(model, tmp_path / "base")
    tuned = saved(stirred(model), tmp_path / "tuned")
    transplant = Hybrid("transplant", parse("layers=0,modules=k,up"))
    moved = hybrid_of(base, tuned, transplant, tmp_path / "one")
    differs = {place for place, of in sums_of(base, str(tmp_path / "one")).items() if of.changed}
    assert differs == {Place(0, "k", "attention"), Place(0, "up", "mlp")}
    kept = {place for place, of in sums_of(str(tmp_path / "one"), tuned).items() if not of.changed}
    assert kept == differs
    hybrid_of(base, tuned, Hybrid("revert", parse("layers=0,modules=k,up")), tmp_path / "reverted")
    back = hybrid_of(tuned, base, transplant, tmp_path / "back")
    assert_equal(back, state_of(tmp_path / "reverted"))
    assert moved.keys() == back.keys()


def test_number_types_that_differ_go_to_the_one_that_holds_both(tmp_path: Path) -> None:
    import torch

    model = llama()
    tuned = saved(stirred(model), tmp_path / "tuned")
    base = saved(model.to(torch.bfloat16), tmp_path / "base")
    everything = hybrid_of(base, tuned, Hybrid("transplant", Selection()), tmp_path / "all")
    assert_equal(everything, state_of(tuned))
    nothing = hybrid_of(base, tuned, Hybrid("revert", Selection()), tmp_path / "none")
    assert_equal(nothing, {name: weight.float() for name, weight in state_of(base).items()})


def test_a_hybrid_is_written_to_a_new_folder_only(tmp_path: Path) -> None:
    base = saved(llama(), tmp_path / "base")
    with pytest.raises(AgentError, match="not empty"):
        save(tmp_path / "base", compared(base, base), Hybrid("revert", Selection()))


ADAPTERS: dict[str, dict[str, Any]] = {
    "plain": {"target_modules": ["q_proj", "down_proj"]},
    "rank stabilised": {"target_modules": "all-linear", "use_rslora": True},
    "patterns": {
        "target_modules": ["q_proj", "up_proj"],
        "rank_pattern": {"layers.1.mlp.up_proj": 2},
        "alpha_pattern": {"q_proj": 9},
    },
    "whole modules": {"target_modules": ["v_proj"], "modules_to_save": ["lm_head"]},
}


@pytest.mark.parametrize("settings", ADAPTERS.values(), ids=ADAPTERS)
def test_an_adapter_is_what_it_is_when_merged(settings: dict[str, Any], tmp_path: Path) -> None:
    model = llama()
    base = saved(model, tmp_path / "base")
    adapter, merged = adapted(model, tmp_path / "adapter", **settings)
    whole = saved(merged, tmp_path / "merged")
    one, other = sums_of(base, adapter), sums_of(base, whole)
    assert {place for place, of in one.items() if of.changed} == {place for place, of in other.items() if of.changed}
    for place, of in one.items():
        assert of.squared == pytest.approx(other[place].squared, rel=1e-4)
    assert sum(of.squared for of in one.values()) > 0
    loaded = hybrid_of(base, adapter, Hybrid("transplant", Selection()), tmp_path / "hybrid")
    for name, weight in state_of(whole).items():
        assert (loaded[name] - weight).abs().max() < 1e-6, name


def test_an_adapter_of_transposed_weights_is_what_it_is_when_merged(tmp_path: Path) -> None:
    model = gpt2()
    base = saved(model, tmp_path / "base")
    settings = {"target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}
    adapter, merged = adapted(model, tmp_path / "adapter", **settings)
    other = sums_of(base, saved(merged, tmp_path / "merged"))
    for place, of in sums_of(base, adapter).items():
        assert of.squared == pytest.approx(other[place].squared, rel=1e-4), place


@pytest.mark.parametrize("odd", [{"use_dora": True}, {"peft_type": "IA3"}, {"init_lora_weights": "pissa"}], ids=str)
def test_adapters_that_are_no_added_product_are_refused(odd: dict[str, Any], tmp_path: Path) -> None:
    base = saved(llama(), tmp_path / "base")
    folder = Path(adapted(llama(), tmp_path / "adapter", target_modules=["q_proj"])[0])
    config = folder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | odd))
    with pytest.raises(AgentError, match="merge_and_unload"):
        open_weights(str(folder), Checkpoint(base))


def test_an_adapter_needs_its_own_base(tmp_path: Path) -> None:
    adapter = adapted(llama(), tmp_path / "adapter", target_modules=["q_proj"])[0]
    with pytest.raises(AgentError, match="BASE must be the whole model"):
        open_weights(adapter)
    with pytest.raises(AgentError, match="name the base it was trained on"):
        Adapted(Checkpoint(saved(gpt2(), tmp_path / "gpt2")), adapter)
    wide = Adapted(Checkpoint(saved(llama(hidden_size=32), tmp_path / "wide")), adapter)
    with pytest.raises(AgentError, match="name the base this adapter was trained on"):
        wide.read("model.layers.0.self_attn.q_proj.weight")
