"""What the encoder promises, through every dialect and every chat template TRL ships (needs the train extra)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agents.tokens import Script, replay, templates, tokenizer
from tests.dialogue import plainly_named
from tool_gym.agents.encoding import Encoder
from tool_gym.agents.generating import Sampled
from tool_gym.agents.rollouts import Collector, Limits, Rollout
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import open_pack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import BrokenCall, Outcome, ToolCall, ToolResult, Turn

pytestmark = pytest.mark.train

TEMPLATES = (
    *("diffusion_gemma", "diffusion_gemma_training", "gemma4", "gemma4_v2", "gemma4_v3", "gemma4_v4", "gemma4_v5"),
    *("glm4moe", "glm4moe_training", "gptoss", "gptoss_training", "lfm2", "lfm2_2_5", "lfm2_2_5_v2", "lfm2_2_5_vl"),
    *("lfm2_training", "lfm2_v2", "lfm2_v2_training", "llama3_1", "llama3_2", "muse_glimmer", "muse_glimmer_training"),
    *("nemotron_3_5_lightning", "nemotron_3_5_lightning_training", "nemotron_3_nano", "nemotron_3_nano_training"),
    *("nemotron_3_super", "nemotron_3_super_training", "nemotron_3_ultra", "nemotron_3_ultra_training", "qwen2_5"),
    *("qwen2_5_training", "qwen3", "qwen3_5_nothink", "qwen3_5_nothink_training", "qwen3_5_think"),
    *("qwen3_5_think_training", "qwen3_6", "qwen3_6_training", "qwen3_8", "qwen3_8_training", "qwen3_instruct_2507"),
    *("qwen3_instruct_2507_training", "qwen3_training", "qwen3_vl", "qwen3_vl_training"),
)
"""Those that show tools, calls and results."""

STRAIGHT = ("qwen2_5_training", "qwen3_training", "glm4moe_training", "qwen3_instruct_2507", "llama3_1", "lfm2_v2")
"""Some of those in which a longer conversation begins with the shorter one."""

SPOKEN = tuple(name for name in DIALECTS if name != "structured")
WAYS = [*(f"template:{name}" for name in TEMPLATES), *(f"dialect:{name}" for name in SPOKEN)]

PACK = open_pack("everyday")
IDS = [entry.id for entry in {entry.shape: entry for entry in PACK.entries("test")}.values()]
"""A scenario of each shape."""


def encoder_of(way: str) -> Encoder:
    kind, name = way.split(":")
    if kind == "dialect":
        return Encoder(tokenizer(), name, prompt="dialect")
    return Encoder(tokenizer(templates()[name]), prompt="template")


def oracle(scenario: str, encoder: Encoder) -> Trajectory:
    env = ToolUseEnv(PACK, dialect=encoder.dialect)
    return rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario})


def opening(scenario: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    info = ToolUseEnv(PACK).reset(options={"scenario": scenario})[1]
    return list(info["messages"]), info["tools"]


class Asked(NamedTuple):
    prefix: list[int]
    turn: Sampled


class Babbler:
    """Writes calls, acts and nonsense, and some turns that are cut."""

    def __init__(self, encoder: Encoder, seed: int) -> None:
        self._encoder, self._random = encoder, random.Random(seed)
        self._stops = sorted(encoder.stop_ids)
        self._words = sorted(set(range(len(encoder.tokenizer))) - encoder.stop_ids)
        self.log: list[Asked] = []

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> list[Sampled]:
        asked = [Asked(list(prefix), self._turn()) for prefix in prefixes]
        self.log += asked
        return [one.turn for one in asked]

    def _turn(self) -> Sampled:
        chance = self._random
        call = ToolCall("no_such_tool", {"word": chance.choice(["a", "Zq7", "<|im_end|>"])})
        meant = [Turn(calls=(call,)), Turn("first", (call, call, call)), Turn("Ask: which one?"), None, None]
        turn = chance.choice(meant)
        if turn is not None:
            return Sampled(self._encoder.written(turn), stopped=True)
        ids = chance.choices(self._words, k=chance.randint(0, 6))
        stopped = not ids or chance.random() < 0.5
        return Sampled([*ids, chance.choice(self._stops)] if stopped else ids, stopped)


def check_kept(played: Rollout, log: Sequence[Asked]) -> None:
    """Check that a record holds what was written, token for token, behind what was shown, and marks it."""
    mask = [0] * len(played.completion_ids)
    for start, end in played.turns:
        prefix = played.prompt_ids + played.completion_ids[:start]
        assert played.completion_ids[start:end] in [one.turn.ids for one in log if one.prefix == prefix]
        mask[start:end] = [1] * (end - start)
    assert played.mask == mask
    assert len(played.turns) == len(played.rewards) == len(played.trajectory.steps)
    assert played.turns[-1][1] == len(played.completion_ids)


@pytest.mark.parametrize("way", WAYS)
def test_the_mask_is_token_for_token_what_the_model_wrote(way: str) -> None:
    encoder = encoder_of(way)
    collector = Collector(PACK, encoder, limits=Limits(max_turns=4, max_tokens=100_000), rows=3)

    @settings(max_examples=2)
    @given(st.integers(0, 10**6))
    def check(seed: int) -> None:
        babbler = Babbler(encoder, seed)
        for played in collector.collect(IDS[:4], babbler):
            check_kept(played, babbler.log)
            check_shown(encoder, played)

    check()


def check_shown(encoder: Encoder, played: Rollout) -> None:
    """Check that what came of each turn stands behind it, and the end of a turn that was cut before that."""
    steps = zip(played.turns, played.turns[1:], played.trajectory.steps, strict=False)
    for number, ((_, end), (start, _), step) in enumerate(steps):
        between = played.completion_ids[end:start]
        for said in [*(result.text for result in step.results), step.reply]:
            text = encoder.tokenizer.decode(between)
            assert said in text or json.dumps(said, ensure_ascii=False)[1:-1] in text
        cut, whole = (encoder.after(step, number, (), stopped=stopped) for stopped in (False, True))
        assert between == (whole if played.completion_ids[end - 1] in encoder.stop_ids else cut)
        assert len(cut) > len(whole)
        assert cut[len(cut) - len(whole) :] == whole


@pytest.mark.parametrize("way", WAYS)
def test_a_demonstration_is_what_a_model_that_writes_it_leaves(way: str) -> None:
    encoder = encoder_of(way)
    for scenario in (IDS[0], IDS[-1]):
        demonstration = encoder.encode(*opening(scenario), oracle(scenario, encoder).steps)
        collector = Collector(PACK, encoder, limits=Limits(max_turns=32, max_tokens=100_000), rows=1)
        [played] = collector.collect([scenario], Script(replay(demonstration)))
        assert (played.prompt_ids, played.completion_ids, played.mask, played.turns) == demonstration
        assert played.trajectory.episode_return == pytest.approx(1)
        assert encoder.encode(*opening(scenario), played.trajectory.steps) == demonstration


@pytest.mark.parametrize("name", STRAIGHT)
def test_the_context_is_what_the_template_shows_where_it_only_grows(name: str) -> None:
    encoder = encoder_of(f"template:{name}")
    made = encoder.tokenizer
    for scenario in IDS[:6]:
        env = ToolUseEnv(PACK)
        steps = rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario}).steps
        messages, tools = [decoded(message) for message in env.messages], opening(scenario)[1]
        ids = encoder.prompt(messages[:2], tools)
        at = 2
        for number, step in enumerate(steps[:-1]):
            said = made.apply_chat_template(messages[: at + 1], tools=tools, tokenize=False)
            assert said.startswith(made.decode(ids))
            own = said[len(made.decode(ids)) :].rstrip("\n")
            ids += made.encode(own, add_special_tokens=False)
            stopped = ids[-1] in encoder.stop_ids
            ids += encoder.after(step, number, tools, stopped=stopped)
            at += 1 + len(step.results) + bool(step.reply)
            whole = made.apply_chat_template(messages[:at], tools=tools, tokenize=False, add_generation_prompt=True)
            assert made.decode(ids) == whole


def decoded(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose arguments are objects."""
    calls = [
        {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
        for call in message.get("tool_calls", [])
    ]
    return {**message, "tool_calls": calls} if calls else message


@pytest.mark.parametrize("name", [name for name in SPOKEN if name not in ("openai", "mistral")])
def test_the_context_is_what_the_dialect_shows(name: str) -> None:
    encoder = encoder_of(f"dialect:{name}")
    for scenario in IDS[:6]:
        env = ToolUseEnv(PACK, dialect=name)
        steps = rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario}).steps
        messages, tools = opening(scenario)
        encoded = encoder.encode(messages, tools, steps)
        context = encoder.tokenizer.decode(encoded.prompt_ids + encoded.completion_ids[: encoded.turns[-1][0]])
        assert context == encoder.dialect.render(list(env.messages)[:-1], tools)


@given(plainly_named, st.sampled_from(["template:qwen3_5_think", "template:qwen3", "dialect:glm", "dialect:hermes"]))
def test_what_is_written_is_read_back(turn: Turn, way: str) -> None:
    encoder = encoder_of(way)
    ids = encoder.written(turn)
    read = encoder.dialect.parse(encoder.text(ids))
    said = encoder.dialect.parse(encoder.dialect.write(turn))
    assert (read.text, read.calls, read.reasoning) == (said.text, said.calls, said.reasoning)
    assert ids[-1] in encoder.stop_ids


def test_a_turn_that_was_recorded_is_tokenised_as_it_was_written() -> None:
    encoder = encoder_of("dialect:hermes")
    raw = 'So:\n<tool_call>{"name":"find","arguments":{}}</tool_call>'
    turn = encoder.dialect.parse(raw)
    assert encoder.text(encoder.written(turn)) == raw
    other = encoder.dialect.parse(raw)._replace(raw="[find()]")  # recorded in another dialect
    assert encoder.text(encoder.written(other)) == encoder.dialect.write(other)


def test_thinking_that_the_cue_opens_is_part_of_the_turn_and_not_written_twice() -> None:
    encoder = encoder_of("template:qwen3_5_think")
    cue = encoder.tokenizer.decode(encoder.prompt(*opening(IDS[0])))
    assert cue.endswith("<think>\n")
    assert encoder.text(encoder.written(Turn("Answer: 3"))) == "<think>\n\n</think>\n\nAnswer: 3"
    assert encoder.text(encoder.written(Turn("Answer: 3", (), "why"))) == "<think>\nwhy\n</think>\n\nAnswer: 3"
    unfinished = encoder.tokenizer.encode("shall I call?", add_special_tokens=False)
    assert encoder.dialect.parse(encoder.text(unfinished)).text == ""


def test_arguments_are_objects_for_a_template_that_quotes_text() -> None:
    messages, tools = opening(IDS[0])
    call = {"id": "call_0_0", "type": "function", "function": {"name": "find", "arguments": '{"word": "ship"}'}}
    broken = {"id": "call_0_1", "type": "function", "function": {"name": "malformed_call", "arguments": "{oops"}}
    said = {"role": "assistant", "content": "", "tool_calls": [call, broken]}
    for name in ("qwen2_5", "qwen3", "glm4moe", "llama3_2"):
        encoder = encoder_of(f"template:{name}")
        calls = [call] if name == "llama3_2" else [call, broken]
        shown = encoder.tokenizer.decode(encoder.prompt([*messages, {**said, "tool_calls": calls}], tools))
        assert '\\"word' not in shown
        assert "ship" in shown


def test_a_template_that_takes_one_call_a_turn_shows_all_results() -> None:
    encoder = encoder_of("template:llama3_1")
    calls = (ToolCall("a", {}), BrokenCall("bad_json", "no"), ToolCall("b", {}))
    results = tuple(ToolResult(Outcome.OK, f"result {number}") for number in range(3))
    shown = encoder.tokenizer.decode(encoder.after(Step(Turn(calls=calls), results), 0, (), stopped=True))
    assert [number for number in range(3) if f"result {number}" in shown] == [0, 1, 2]


STRICT = """\
{%- for tool in tools or [] %}{{ tool | tojson }}{% endfor -%}
{%- for message in messages -%}
{%- for id in [message.tool_call_id or 'nineChars'] + (message.tool_calls or []) | map(attribute='id') | list -%}
{%- if id | length != 9 %}{{ raise_exception('ids have nine letters') }}{% endif -%}
{%- endfor -%}
[{{ message.role }}:{{ message.tool_call_id }}]{{ message.content }}
{%- for call in message.tool_calls or [] %}[CALL:{{ call.id }}]{{ call.function | tojson }}{% endfor -%}
{%- if message.role == 'assistant' %}<|im_end|>{% endif -%}
{%- endfor -%}"""


def test_ids_are_short_for_a_template_that_wants_them_so() -> None:
    encoder = Encoder(tokenizer(STRICT))
    calls = (ToolCall("a", {}), ToolCall("b", {}, "abcdefgh9"))
    results = (ToolResult(Outcome.OK, "first"), ToolResult(Outcome.OK, "second"))
    shown = encoder.tokenizer.decode(encoder.after(Step(Turn(calls=calls), results), 3, (), stopped=True))
    assert re.fullmatch(r'\[tool:\d{9}\]"first"\[tool:abcdefgh9\]"second"', shown)


def test_every_template_is_understood_or_refused_with_a_reason() -> None:
    for name, template in templates().items():
        if name not in TEMPLATES:
            with pytest.raises(AgentError, match=r"does not support tools: .*; choose prompt=\"dialect\""):
                Encoder(tokenizer(template), prompt="template")
    assert set(TEMPLATES) <= set(templates())


def test_the_template_is_taken_where_there_is_one() -> None:
    messages, tools = opening(IDS[0])
    made = tokenizer(templates()["qwen3"])
    assert Encoder(made).prompt(messages, tools) == Encoder(made, prompt="template").prompt(messages, tools)
    assert Encoder(made).prompt(messages, tools) != Encoder(made, prompt="dialect").prompt(messages, tools)


def test_options_reach_the_template() -> None:
    made = tokenizer(templates()["qwen3"])
    encoder = Encoder(made, template_options={"enable_thinking": False})
    assert made.decode(encoder.prompt(*opening(IDS[0]))).endswith("<think>\n\n</think>\n\n")


def test_what_will_not_do_is_said() -> None:
    with pytest.raises(AgentError, match="has no chat template: choose prompt='dialect'"):
        Encoder(tokenizer(), prompt="template")
    with pytest.raises(AgentError, match="'structured' are no text"):
        Encoder(tokenizer(), "structured")
    with pytest.raises(AgentError, match="'structured' are no text"):
        Encoder(tokenizer(templates()["qwen3"]), "structured")
    with pytest.raises(AgentError, match="must be 'template' or 'dialect', not 'chat'"):
        Encoder(tokenizer(), prompt="chat")  # type: ignore[arg-type]  # what a caller may get wrong
    with pytest.raises(AgentError, match="nothing can end a turn"):
        Encoder(tokenizer(eos=None), "openai")
    with pytest.raises(AgentError, match="the chat template refuses the conversation"):
        encoder_of("template:llama3_1").prompt([{"role": "assistant", "tool_calls": [1, 2]}], [])


def test_further_stop_tokens_count() -> None:
    made = tokenizer()
    other = made.convert_tokens_to_ids("<|eot_id|>")
    encoder = Encoder(made, stop_ids=[other])
    assert encoder.stop_ids == {made.eos_token_id, other, made.convert_tokens_to_ids("<|im_end|>")}
    assert encoder.text([*made.encode("Answer: 3", add_special_tokens=False), other]) == "Answer: 3"


SPELT = st.lists(st.sampled_from(["Answer: 3", "<|im", "_end|>", "<|im_end|>", "|>", "\n", "é"]), max_size=5).map(
    "".join
)


@given(SPELT)
def test_a_mark_without_a_token_ends_a_turn_however_it_is_spelt(text: str) -> None:
    made = tokenizer(marks=False)
    encoder = Encoder(made, "hermes")
    end = encoder.text_end
    assert end is not None
    ids = made.encode(text, add_special_tokens=False)
    ended = [number for number, token in enumerate(ids) if token in end.closing and end(ids[: number + 1])]
    assert bool(ended) == ("<|im_end|>" in text)
    if ended:
        own = ids[: ended[0] + 1]
        assert encoder.text(own) == text.partition("<|im_end|>")[0]
        assert made.decode(own[:-1]).count("<|im_end|>") == 0


def test_a_mark_without_a_token_is_the_models_own_where_it_wrote_it() -> None:
    made = tokenizer(marks=False)
    encoder = Encoder(made, "hermes")
    turn = encoder.written(Turn("Answer: 3"))
    assert made.decode(turn) == "Answer: 3<|im_end|>"
    assert (
        encoder.text(turn) == encoder.text([*turn[: -len(made.encode("<|im_end|>"))], made.eos_token_id]) == "Answer: 3"
    )
    step = Step(Turn("Ask: what?"), reply="That.")
    after = [made.decode(encoder.after(step, 0, (), stopped=stopped)) for stopped in (True, False)]
    assert after == ["\n<|im_start|>user\nThat.<|im_end|>\n<|im_start|>assistant\n", f"<|im_end|>{after[0]}"]
