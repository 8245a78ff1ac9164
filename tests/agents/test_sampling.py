"""What the sampler promises, against the models' own generation (needs the train extra)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")

from tests.agents.tokens import tokenizer  # noqa: E402 - behind the check for the extra
from tool_gym.agents.encoding import Encoder  # noqa: E402
from tool_gym.agents.passes import Memory  # noqa: E402
from tool_gym.agents.sampling import Choice, Sampled, Sampler  # noqa: E402
from tool_gym.errors import AgentError  # noqa: E402

pytestmark = pytest.mark.train

WORDS, STOPS, LONGEST = 61, frozenset({1, 2}), 12
RECURRENT = {
    "head_dim": 8,
    "num_experts": 2,
    "num_experts_per_tok": 1,
    "layer_types": ["linear_attention", "full_attention"],
}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen3": ("Qwen3", {"head_dim": 8}),
    "llama": ("Llama", {}),
    "gemma3_windows": ("Gemma3Text", {"head_dim": 8, "sliding_window": 6}),
    "mistral_windows": ("Mistral", {"sliding_window": 5}),
    "qwen3_next_recurrent": ("Qwen3Next", RECURRENT),
}


def model_of(kind: str, *, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    if kind == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=WORDS, n_embd=32, n_layer=2, n_head=4, n_positions=96, bos_token_id=1, eos_token_id=2
        )
        return transformers.GPT2LMHeadModel(config)
    name, more = KINDS[kind]
    config = getattr(transformers, f"{name}Config")(
        vocab_size=WORDS,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=96,
        initializer_range=0.3,
        **more,
    )
    return getattr(transformers, f"{name.removesuffix('Text')}ForCausalLM")(config)


def prefixes_of(*lengths: int, seed: int = 3) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, WORDS, (length,), generator=generator).tolist() for length in lengths]


def sampler_of(model: Any, **more: Any) -> Sampler:
    return Sampler(model, pad_id=0, stop_ids=STOPS, **more)


def generated(model: Any, prefix: list[int]) -> Sampled:
    """Return what the model's own greedy generation writes."""
    ids = torch.tensor([prefix])
    settings_ = {"max_new_tokens": LONGEST, "do_sample": False, "eos_token_id": sorted(STOPS), "pad_token_id": 0}
    written = model.eval().generate(ids, attention_mask=torch.ones_like(ids), **settings_)[0, len(prefix) :].tolist()
    return Sampled(written, written[-1] in STOPS)


@pytest.mark.parametrize("reuse", [False, True], ids=["afresh", "reused"])
@pytest.mark.parametrize("kind", [*KINDS, "gpt2"])
def test_greedy_turns_are_those_the_model_generates_alone(kind: str, reuse: bool) -> None:  # noqa: FBT001 - parametrized
    model = model_of(kind)
    sampler = sampler_of(model, max_batch=4, reuse=reuse)
    prefixes = prefixes_of(5, 23, 12, 1, 17, 22)
    prefixes.append(prefixes[2])
    for _ in range(3):  # turns of episodes, in another order each time; some leave, one comes
        turns = sampler.sample(prefixes, max_new_tokens=LONGEST, temperature=0)
        assert turns == [generated(model, prefix) for prefix in prefixes]
        longer = [
            [*prefix, *turn.ids, 5, 6, number]
            for number, (prefix, turn) in enumerate(zip(prefixes, turns, strict=True))
        ]
        prefixes = [*reversed(longer[:5]), *prefixes_of(9)]


def test_what_is_known_of_a_prefix_is_not_computed_again() -> None:
    model = model_of("qwen3")
    sampler = sampler_of(model, reuse=True)
    prefixes = prefixes_of(30, 28, 26)
    turns = sampler.sample(prefixes * 2, max_new_tokens=LONGEST, temperature=0)
    longer = [[*prefix, *turn.ids, 7] for prefix, turn in zip(prefixes, turns, strict=False)]
    taken: list[tuple[int, ...]] = []
    model.register_forward_pre_hook(
        lambda _, __, given: taken.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    sampler.sample(longer, max_new_tokens=1, temperature=0)
    assert taken == [(3, 2)]  # the last token of each turn, and the one behind it
    taken.clear()
    sampler_of(model).sample(prefixes * 2, max_new_tokens=1, temperature=0)
    assert taken == [(1, 1), (3, 30)]  # a look at the cache; each prefix once


def test_after_training_nothing_is_known_any_more() -> None:
    model = model_of("llama")
    sampler = sampler_of(model, reuse=True)
    [prefix] = prefixes_of(20)
    [turn] = sampler.sample([prefix], max_new_tokens=LONGEST, temperature=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(-0.5)
    longer = [*prefix, *turn.ids, 9]
    assert sampler.sample([longer], max_new_tokens=LONGEST, temperature=0) == [generated(model, longer)]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([(1.0, 1.0, 0), (0.7, 0.9, 0), (1.5, 1.0, 5)]))
def test_chance_does_not_depend_on_the_batch(seed: int, max_batch: int, how: tuple[float, float, int]) -> None:
    model = SHARED
    prefixes = prefixes_of(9, 4, 15, 4, 11, 2)
    temperature, top_p, top_k = how

    def sample(sampler: Sampler, rows: list[list[int]]) -> list[Sampled]:
        generator = torch.Generator().manual_seed(seed)
        return sampler.sample(
            rows, max_new_tokens=6, temperature=temperature, top_p=top_p, top_k=top_k, generator=generator
        )

    turns = sample(sampler_of(model), prefixes)
    assert turns == sample(sampler_of(model, max_batch=max_batch), prefixes)
    assert turns[:2] == sample(sampler_of(model), prefixes[:2])
    others = [*prefixes[:2], *prefixes_of(20, 1, seed=8), *prefixes[4:]]
    changed = sample(sampler_of(model), others)
    assert [changed[row] for row in (0, 1, 4, 5)] == [turns[row] for row in (0, 1, 4, 5)]


SHARED = model_of("qwen3")


def test_with_a_generator_of_its_own_a_row_depends_on_nothing_else() -> None:
    prefixes = prefixes_of(9, 4, 15)
    sampler = sampler_of(SHARED)

    def generators() -> list[Any]:
        return [torch.Generator().manual_seed(seed) for seed in (5, 6, 7)]

    turns = sampler.sample(prefixes, max_new_tokens=8, generator=generators())
    backwards = sampler.sample(prefixes[::-1], max_new_tokens=8, generator=generators()[::-1])
    assert turns == backwards[::-1]
    with pytest.raises(AgentError, match="3 generators for 2 prefixes"):
        sampler.sample(prefixes[:2], max_new_tokens=8, generator=generators())


LOGITS = st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=9)


@settings(max_examples=60)
@given(LOGITS, st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([0.3, 0.8, 1.0]), st.integers(0, 4))
def test_tokens_are_drawn_as_often_as_they_are_likely(
    logits: list[float], temperature: float, top_p: float, top_k: int
) -> None:
    count = 2000
    draws = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    chosen = Choice(temperature, top_p, top_k).of(torch.tensor(logits).repeat(count, 1), draws)
    shares = torch.bincount(chosen, minlength=len(logits)) / count
    weights = [math.exp((logit - max(logits)) / temperature) for logit in logits]
    expected = kept(weights, top_p, top_k)
    assert shares.tolist() == pytest.approx(expected, abs=3 / count)


def kept(weights: list[float], top_p: float, top_k: int) -> list[float]:
    """Return the probabilities that are left, by definition: ties all stay among the likeliest."""
    if top_k:
        least = sorted(weights)[-min(top_k, len(weights))]
        weights = [weight if weight >= least else 0 for weight in weights]
    total, before = sum(weights), 0.0
    for place in sorted(range(len(weights)), key=lambda place: -weights[place]):
        weight = weights[place]
        if before >= top_p * total * (1 - 1e-6) and top_p < 1:
            weights[place] = 0
        before += weight
    return [weight / sum(weights) for weight in weights]


def test_a_turn_is_cut_at_its_cap_and_at_the_end_of_the_context() -> None:
    sampler = Sampler(SHARED, pad_id=0, stop_ids=frozenset({999}))
    turns = sampler.sample(prefixes_of(3, 90, 95), max_new_tokens=8, temperature=0)
    assert [(len(turn.ids), turn.stopped) for turn in turns] == [(8, False), (6, False), (1, False)]


def test_the_mode_of_every_module_is_left_as_it_was() -> None:
    model = model_of("gpt2").train()
    model.transformer.h[0].eval()
    before = [module.training for module in model.modules()]
    seen = []
    model.transformer.h[1].register_forward_hook(
        lambda module, *_: seen.append((module.training, torch.is_grad_enabled()))
    )
    sampler_of(model).sample(prefixes_of(4), max_new_tokens=2)
    assert [module.training for module in model.modules()] == before
    assert set(seen) == {(False, False)}
    ids = torch.tensor(prefixes_of(6))
    model(input_ids=ids, labels=ids).loss.backward()  # nothing the model kept stands in training's way
    assert all(weight.grad is not None for weight in model.parameters())


@pytest.mark.parametrize("mixed", [False, True], ids=["bfloat16", "autocast"])
def test_short_floats_do_as_well(mixed: bool) -> None:  # noqa: FBT001 - parametrized
    model = model_of("qwen3") if mixed else model_of("qwen3").bfloat16()
    prefixes = prefixes_of(14, 3, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
        sampler = sampler_of(model, reuse=True)
        turns = sampler.sample(prefixes, max_new_tokens=LONGEST, temperature=0)
        assert isinstance(sampler._memory, Memory)  # the quick way
        alone = [sampler_of(model).sample([prefix], max_new_tokens=1, temperature=0)[0] for prefix in prefixes]
    assert [turn.ids[0] for turn in turns] == [turn.ids[0] for turn in alone]


def test_an_end_that_is_no_token_ends_a_row() -> None:
    made = tokenizer(marks=False)
    encoder = Encoder(made, "mistral")
    chain = made.encode("Answer: 3</s>", add_special_tokens=False)
    assert len(set(chain)) == len(chain)
    model = Chain([*chain, chain[0]], len(made))
    sampler = Sampler(model, pad_id=0, stop_ids=encoder.stop_ids, text_end=encoder.text_end)
    turns = sampler.sample([chain[:1], chain[:2]], max_new_tokens=40, temperature=0)
    assert turns == [Sampled(chain[1:], stopped=True), Sampled(chain[2:], stopped=True)]
    assert encoder.text([*chain[:1], *turns[0].ids]) == "Answer: 3"
    assert len(Sampler(model, pad_id=0, stop_ids=encoder.stop_ids).sample([chain[:1]], max_new_tokens=40)[0].ids) == 40


class Chain(torch.nn.Module):  # type: ignore[misc]  # torch is Any to the type checker
    """A model whose next token depends on the last one alone, and that keeps no cache."""

    def __init__(self, chain: list[int], words: int) -> None:
        super().__init__()
        table = torch.zeros(words, words)
        for last, following in pairwise(chain):
            table[last, following] = 50
        self.table = torch.nn.Parameter(table)
        self.config = transformers.LlamaConfig()

    def forward(self, input_ids: Any, attention_mask: Any, past_key_values: Any, use_cache: bool) -> Any:  # noqa: FBT001 - as transformers calls
        del attention_mask, past_key_values, use_cache
        return transformers.modeling_outputs.CausalLMOutputWithPast(logits=self.table[input_ids])


def test_what_will_not_do_is_said() -> None:
    sampler = sampler_of(SHARED)
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1"),
        ({"temperature": -1.0}, "temperature must be a number of at least 0, not -1.0"),
        ({"temperature": math.nan}, "temperature must be"),
        ({"top_p": 0.0}, "top_p must be above 0"),
        ({"top_k": -1}, "top_k must be at least 0"),
    ]
    for wrong, why in wrongs:
        with pytest.raises(AgentError, match=why):
            sampler.sample(prefixes_of(3), **{"max_new_tokens": 4, **wrong})
    with pytest.raises(AgentError, match="prefix 1 of 0 tokens is empty"):
        sampler.sample([[3], []], max_new_tokens=4)
    with pytest.raises(AgentError, match="prefix 0 of 96 tokens fills the model's context of 96"):
        sampler.sample(prefixes_of(96), max_new_tokens=4)
    with pytest.raises(AgentError, match="max_batch must be at least 1"):
        sampler_of(SHARED, max_batch=0)
    assert sampler.sample([], max_new_tokens=4) == []


def test_a_model_that_computes_no_numbers_is_told_of() -> None:
    model = model_of("llama")
    with torch.no_grad():
        model.lm_head.weight.fill_(math.nan)
    for temperature in (0.0, 1.0):
        with pytest.raises(AgentError, match="are no numbers"):
            sampler_of(model).sample(prefixes_of(3), max_new_tokens=4, temperature=temperature)
