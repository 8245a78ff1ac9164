"""Tokenizers made here, with the chat templates that TRL ships, and models that are scripted."""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tool_gym.agents.generating import Sampled

TEXTS = [
    '<tool_call>\n{"name": "find_ship", "arguments": {"owner": "Ann", "id": 12}}\n</tool_call>',
    '<tool_response>\n{"key": "K1", "total": 3.5}\n</tool_response>',
    "What does the user want to know about the ship of the owner? Answer: 12 kg; Decline: no tool; Ask: which one?",
    "system user assistant tool ipython name description parameters type object properties string required",
] * 4
_MARK = re.compile(r"<\|?/?\w{1,30}\|?>|\[/?[A-Z_]{3,}\]")
_PLAIN = re.compile(r"tool|think|arg|parameter|function|result|invoke")


def templates() -> dict[str, str]:
    """Return the chat templates that TRL ships, by name."""
    files = (importlib.resources.files("trl") / "chat_templates").iterdir()
    return {file.name.removesuffix(".jinja"): file.read_text() for file in files if file.name.endswith(".jinja")}


@functools.cache
def tokenizer(template: str | None = None, *, eos: str | None = "<|endoftext|>", marks: bool = True) -> Any:
    """Return a byte-level BPE tokenizer.

    Args:
        template: Its chat template.
        eos: The token that ends a sequence.
        marks: Whether the marks in the template, or those of all dialects, are tokens of their own.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(TEXTS, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=eos, bos_token="<s>", pad_token="<pad>")
    if marks:
        found = dict.fromkeys(_MARK.findall(template or _MARKS))
        made.add_tokens([AddedToken(mark, normalized=False, special=not _PLAIN.search(mark)) for mark in found])
    made.chat_template = template
    return made


_MARKS = """<|im_start|><|im_end|></s>[INST][/INST][TOOL_CALLS][TOOL_RESULTS][/TOOL_RESULTS][ARGS][TOOL_CONTENT]
<|begin_of_text|><|start_header_id|><|end_header_id|><|eot_id|><|eom_id|><|python_tag|><|header_start|><|header_end|>
<|eot|><|user|><|observation|><|assistant|><|system|><tool_call></tool_call><think></think>"""


class Script:
    """Writes, behind each prefix, what it is told, and remembers who asked what."""

    def __init__(self, turns: Mapping[Sequence[int], Sampled]) -> None:
        """Know what to write behind which prefix."""
        self._turns = {tuple(prefix): turn for prefix, turn in turns.items()}
        self.asked: list[int] = []
        """How many prefixes there were, of each call."""

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> list[Sampled]:
        self.asked.append(len(prefixes))
        return [self._turns[tuple(prefix)] for prefix in prefixes]


def replay(encoded: Any) -> dict[Sequence[int], Sampled]:
    """Return what a model writes that plays an encoded episode."""
    return {
        tuple(encoded.prompt_ids + encoded.completion_ids[:start]): Sampled(
            encoded.completion_ids[start:end], stopped=True
        )
        for start, end in encoded.turns
    }
