r"""Perplexity of a text: what a model has forgotten of ordinary language.

With tokens x₁ … x_N of the text, behind the tokenizer's beginning (or else end) token x₀:

    perplexity    = exp(−(1/N) Σᵢ ln p(xᵢ | x_c(i) … xᵢ₋₁))
    bits per byte = −(1/B) Σᵢ log₂ p(xᵢ | x_c(i) … xᵢ₋₁),   B: bytes of the text in UTF-8

Every token counts once and counts alike. A text longer than a window is read in windows that move on by a stride;
a token is predicted in the first window that reaches it, so that it sees at least window − stride tokens before it,
but for those of the first window. Perplexities compare models with one tokenizer only; bits per byte compare any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.agents.analysis.weights import needed
from tool_gym.errors import AgentError

MOST = 2048
"""Longest window that is taken when none is given."""


MAX_NATS = 700
"""Nats per token beyond which e to that power is no float."""


class Perplexity(NamedTuple):
    """How well a model predicts a text."""

    perplexity: float
    bits_per_byte: float
    tokens: int
    """Predicted tokens, N."""
    bytes: int
    unknown: int
    """Tokens that stand for something the tokenizer does not know: with many, the figures flatter."""


class Window(NamedTuple):
    """One pass of the model over tokens begin … end − 1, of which it predicts those from `first` on."""

    begin: int
    end: int
    first: int


def windows(length: int, window: int, stride: int) -> Iterator[Window]:
    """Yield windows over `length` tokens that predict each but the very first exactly once.

    Raises:
        AgentError: If window or stride cannot be.

    >>> list(windows(6, 4, 2))
    [Window(begin=0, end=4, first=1), Window(begin=2, end=6, first=4)]
    """
    if window < 2 or not 1 <= stride < window:
        msg = f"a window of {window} tokens with stride {stride}: it takes at least 2 tokens, and a stride below that"
        raise AgentError(msg)
    end = 1
    while end < length:
        begin = max(0, end + stride - window) if end > 1 else 0
        first, end = end, min(length, begin + window)
        yield Window(begin, end, first)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        AgentError: If it cannot be read, or is empty.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise AgentError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path} is no UTF-8 text (byte {error.start}): save it as UTF-8"
        raise AgentError(msg) from None
    if not text.strip():
        msg = f"{path} is empty: a perplexity needs a text"
        raise AgentError(msg)
    return text


def perplexity(
    model: Any,
    tokenizer: Any,
    text: str,
    *,
    window: int | None = None,
    stride: int | None = None,
) -> Perplexity:
    """Return how well a model predicts a text.

    Args:
        model: A causal language model; it is put into evaluation mode.
        tokenizer: Its tokenizer.
        text: The text.
        window: Tokens in a window; None for the model's context, but at most `MOST`.
        stride: Tokens a window moves on by; None for half a window.

    Raises:
        AgentError: If the text has fewer than two tokens, window and stride cannot be, or the model is broken.
    """
    ids, size = _tokens(tokenizer, text)
    known = getattr(model.config, "max_position_embeddings", None)
    length = window or min(MOST, known or MOST)
    if known is not None and length > known:
        msg = f"a window of {length} tokens is longer than the model's context of {known}"
        raise AgentError(msg)
    nats, predicted = 0.0, 0
    model.eval()
    for one in windows(len(ids), length, stride or max(1, length // 2)):
        nats += _nats(model, ids[one.begin : one.end], one.end - one.first)
        predicted += one.end - one.first
    if not nats / predicted < MAX_NATS:
        msg = "the model's predictions are no numbers: its weights are broken"
        raise AgentError(msg)
    unknown = getattr(tokenizer, "unk_token_id", None)
    return Perplexity(
        perplexity=math.exp(nats / predicted),
        bits_per_byte=nats / math.log(2) / size,
        tokens=predicted,
        bytes=size,
        unknown=0 if unknown is None else ids[1:].count(unknown),
    )


def _tokens(tokenizer: Any, text: str) -> tuple[list[int], int]:
    """Return the ids, the first of which is given and not predicted, and the bytes that the others stand for."""
    ids = list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    size = len(text.encode("utf-8"))
    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    if begin is not None:
        ids.insert(0, begin)
    else:
        size -= len(tokenizer.decode(ids[:1]).encode("utf-8"))
    if len(ids) < 2 or size < 1:
        msg = "the text has too few tokens for a perplexity; give a longer one"
        raise AgentError(msg)
    return ids, size


def _nats(model: Any, ids: list[int], predicted: int) -> float:
    """Return −Σ ln p over the last `predicted` of the ids."""
    torch = needed("torch")
    with torch.inference_mode():
        given = torch.tensor([ids], device=model.device)
        logits = model(input_ids=given, use_cache=False).logits[0, -predicted - 1 : -1].float()
        targets = given[0, -predicted:]
        loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        return float(loss.double().sum())
