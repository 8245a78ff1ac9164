"""A tokenizer trained on scenario text: byte-level BPE in which the same word is the same tokens wherever it stands.

Spaces, marks and pairs of digits are tokens of their own, so that copying a word from prose into JSON is copying
tokens; what calls and results are wrapped in is one token a piece, which makes turns short and cheap to decode.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tool_gym.agents.models.template import CHAT_TEMPLATE

PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"

APART = (r"[ \n]", r"\d{1,2}", r"[^\w\s]")
"""What is a token of its own: a space, up to two digits, a mark; what is between them, such as a tool's name with its
underscores, becomes one token if it is frequent."""

WRAPPING = (
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    '<tool_call>\n{"name": "',
    '", "arguments": {"',
    '", "arguments": {}}\n</tool_call>',
    '": "',
    '": ',
    '", "',
    ', "',
    '"}}\n</tool_call>',
    "}}\n</tool_call>",
    "<tool_response>\n{",
    "}\n</tool_response>",
    "Answer: ",
    "Decline: ",
    "Ask: ",
)
"""What calls, results and acts are wrapped in: one token each, not special, so that they are kept in decoded text."""


def build_tokenizer(texts: Iterable[str], vocab_size: int = 2048) -> Any:
    """Train a tokenizer with the family's chat template.

    Args:
        texts: What it is to write short: conversations of training scenarios.
        vocab_size: Most tokens before the `WRAPPING` is added; at least 300.

    Returns:
        A `transformers.PreTrainedTokenizerFast`; its end token ends a turn.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast
    from trl.chat_template_utils import qwen3_template

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in APART]
        + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END, pad_token=PAD, extra_special_tokens=[START], padding_side="left"
    )
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in WRAPPING])
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.response_template = qwen3_template  # how TRL's own tool loop reads turns; saved with the tokenizer
    return tokenizer
