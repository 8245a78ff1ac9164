"""Reasoning blocks: what a model thinks aloud is set aside before calls are looked for, and never executed.

Read are, in every dialect: tags named think, thinking, thought or reasoning in any case, with or without a namespace
(`<think>`, `<Thinking>`, `<seed:think>`), and the special tokens of model families, exactly as they are spelt:
`[THINK]` (Mistral), `<|START_THINKING|>` (Cohere), `<|begin_of_thought|>` (OpenThoughts), `◁think▷` (Kimi),
`<|inner_prefix|>` (Apertus), `<|channel>thought` (Gemma) and the channels of Harmony (gpt-oss).

One set of rules holds for all of them, mixed kinds included:

- A block ends at the next closing mark of any kind: blocks don't nest, and models do mix up the names.
- A block left open reaches to the end.
- Before a closing mark that closes nothing, everything is thinking, because chat templates may open a block themselves.
- Harmony opens a block by the header of its channel `analysis`, and ends it by the header of any other channel; that
  header is no text, with or without a block before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAG = r"(?i:(?:\w{1,16}:)?(?:think|thinking|thought|reasoning)>)"
_HEADER = r"(?:<\|end\|>\s*)?(?:<\|start\|>assistant[^<]*)?<\|channel\|>"
_MESSAGE = r"[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>"

_MARK = re.compile(
    rf"""(?P<opening>
        <{_TAG} | \[THINK\] | ◁think▷ | <\|(?:START_THINKING|begin_of_thought|inner_prefix)\|> | <\|channel>thought
        | {_HEADER}analysis{_MESSAGE}
    ) | (?P<closing>
        </{_TAG} | \[/THINK\] | ◁/think▷ | <\|(?:END_THINKING|end_of_thought|inner_suffix)\|> | <channel\|>
    ) | (?P<header>
        {_HEADER}{_MESSAGE}
    )""",
    re.VERBOSE | re.ASCII,
)
_BEGIN = re.compile(r"[<\[◁]")  # how every mark begins: found far faster than a mark is
_ESCAPES = (("<", r"\u003c"), ("◁", r"\u25c1"), ("[THINK]", r"\u005bTHINK]"), ("[/THINK]", r"\u005b/THINK]"))


def may_think(text: str) -> bool:
    """Return whether `text` may hold a mark of a reasoning block; cheap, and never wrong when it says no.

    >>> may_think("Answer: 42"), may_think("<Thinking>"), may_think("[THINK]")
    (False, True, True)
    """
    if "<" not in text:
        return "THINK]" in text or "think▷" in text
    if "|" in text and ("channel" in text or "|inner_" in text):
        return True
    lower = text.lower()
    return "think" in lower or "thought" in lower or "reasoning>" in lower


def split_thinking(text: str) -> tuple[str, str]:
    """Split `text` into its thinking and the rest, both without the marks, their parts stripped, each on its own line.

    >>> split_thinking("<think>which tool?</think>Answer: 7")
    ('which tool?', 'Answer: 7')
    """
    parts: list[tuple[bool, str]] = []  # whether it is thought, and the text
    hidden = 0  # how many of the first parts are thinking because a closing mark stands after them
    at, thought = 0, False
    for begin in _BEGIN.finditer(text):
        mark = _MARK.match(text, begin.start()) if begin.start() >= at else None
        if mark is None:
            continue
        kind = mark.lastgroup
        if kind == "opening" and thought:
            continue  # a mention
        parts.append((thought, text[at : mark.start()]))
        if kind == "closing" and not thought:
            hidden = len(parts)
        at, thought = mark.end(), kind == "opening"
    parts.append((thought, text[at:]))
    thinking = [part for number, (inside, part) in enumerate(parts) if inside or number < hidden]
    visible = [part for inside, part in parts[hidden:] if not inside]
    return join_texts(thinking), join_texts(visible)


def join_texts(parts: Iterable[str]) -> str:
    """Return the parts stripped, those that are not empty then, each on a line of its own."""
    return "\n".join([stripped for part in parts if (stripped := part.strip())])


def hide_marks(json_text: str) -> str:
    r"""Return the same JSON with whatever may be a mark in its strings escaped, so that none is read as one.

    >>> hide_marks('{"tag": "</think>"}')
    '{"tag": "\\u003c/think>"}'
    """
    if not may_think(json_text):
        return json_text
    for mark, escaped in _ESCAPES:
        json_text = json_text.replace(mark, escaped)
    return json_text
