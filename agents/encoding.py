"""Conversations as token ids that only ever grow at the end, with a mask of what is the model's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tool_gym.agents.prompts import DialectPrompts, Messages, Prompts, Tools
from tool_gym.agents.templates import TemplatePrompts
from tool_gym.dialects import Dialect, get_dialect
from tool_gym.errors import AgentError
from tool_gym.trajectory import Step
from tool_gym.turns import Turn

Prompting = Literal["template", "dialect"]


class Encoded(NamedTuple):
    """An episode as token ids."""

    prompt_ids: list[int]
    completion_ids: list[int]
    mask: list[int]
    """One entry for each of `completion_ids`: 1 where the token is the model's own, 0 where the environment's."""
    turns: list[tuple[int, int]]
    """Where each turn begins and ends in `completion_ids`: [start, end)."""


class TextEnd:
    """Tells when a turn has ended with a mark that is no single token of the tokenizer."""

    def __init__(self, tokenizer: Any, marks: Iterable[str]) -> None:
        """Look for `marks`, none of them empty."""
        self._tokenizer = tokenizer
        self._marks = tuple(dict.fromkeys(marks))
        self._window = max(len(mark.encode()) for mark in self._marks)
        last = {mark[-1] for mark in self._marks}
        texts = tokenizer.batch_decode([[number] for number in range(len(tokenizer))])
        self.closing = frozenset(number for number, text in enumerate(texts) if last.intersection(text))
        """The tokens that can complete a mark; after any other there is no need to look."""

    def cut(self, text: str) -> str:
        """Return the text without a mark at its end."""
        for mark in self._marks:
            before, found, after = text.rpartition(mark)
            if found and not after.strip():
                return before
        return text

    def __call__(self, ids: Sequence[int]) -> bool:
        """Return whether the newest token completes a mark."""
        text = self._tokenizer.decode(ids[-self._window :])
        return any(mark in text for mark in self._marks)


class Encoder:
    """Turns conversations into token ids that only ever grow at the end; never tokenises what a model wrote again."""

    def __init__(
        self,
        tokenizer: Any,
        dialect: str | Dialect = "hermes",
        *,
        prompt: Prompting | None = None,
        template_options: Mapping[str, Any] | None = None,
        stop_ids: Iterable[int] = (),
    ) -> None:
        """Prepare for a tokenizer and a dialect.

        Args:
            tokenizer: A tokenizer of transformers.
            dialect: How turns are written and read; a name or a `Dialect`.
            prompt: Whether the tokenizer's chat template shows the conversation or the dialect itself; None for the
                template if there is one.
            template_options: Variables of the template, such as `{"enable_thinking": False}`; or `date_string`, without
                which some templates show the day on which they are used.
            stop_ids: Further tokens that end a turn, such as those of a model's generation config.

        Raises:
            AgentError: If the template or the dialect will not do, or nothing can end a turn.
            UnknownNameError: If there is no such dialect.
        """
        self.dialect = get_dialect(dialect) if isinstance(dialect, str) else dialect
        self.tokenizer = tokenizer
        eos = tokenizer.eos_token_id
        known = {int(number) for number in stop_ids} | ({eos} if eos is not None else set())
        self._prompts = self._choose(prompt, [tokenizer.decode([number]) for number in known], template_options)
        self._end_ids = {mark: self._read_mark(mark) for mark in {"", *self._prompts.marks}}
        if not all(self._end_ids[mark] for mark in self._prompts.marks):
            msg = "nothing can end a turn: the tokenizer has no eos_token, and no token for the end of a turn"
            raise AgentError(msg)
        used = {mark: ids for mark, ids in self._end_ids.items() if mark in self._prompts.marks}
        self.stop_ids = frozenset(known | {ids[0] for ids in used.values() if len(ids) == 1})
        """The tokens that end a turn."""
        spelt = [mark for mark, ids in used.items() if len(ids) > 1]
        self.text_end = TextEnd(tokenizer, spelt) if spelt else None
        """What else ends a turn: marks that the tokenizer has no token for; None if there are none."""

    def prompt(self, messages: Messages, tools: Tools) -> list[int]:
        """Return a conversation up to and including the cue to speak.

        Raises:
            AgentError: If the chat template refuses it.
        """
        return self._ids(self._prompts.prompt(messages, tools))

    def after(self, step: Step, number: int, tools: Tools, *, stopped: bool) -> list[int]:
        """Return what stands between a turn and the cue to the next one.

        Args:
            step: The turn and what came of it.
            number: Which of the episode, from 0.
            tools: Those of the episode.
            stopped: Whether the model ended the turn itself; if not, what ends it is in front.
        """
        mark, rest = self._prompts.after(step, number, tools)
        if mark not in self._end_ids:
            self._end_ids[mark] = self._read_mark(mark)
        between = self._behind(mark, rest)
        return between if stopped else [*self._end_ids[mark], *between]

    def written(self, turn: Turn) -> list[int]:
        """Return a turn as the model would have written it, with what ends it."""
        own = self._own_text(turn)
        if own is None:
            own = self._prompts.written(turn, self.dialect)
        mark = self._prompts.marks.calls if turn.calls else self._prompts.marks.text
        return [*self._behind(mark, own), *self._end_ids[mark]]

    def text(self, ids: Sequence[int]) -> str:
        """Return the turn that `ids` are, without what ends it, and with the mark of thinking the cue opened."""
        own = list(ids[:-1] if ids and ids[-1] in self.stop_ids else ids)
        text = str(self.tokenizer.decode(own, skip_special_tokens=False, clean_up_tokenization_spaces=False))
        return self._prompts.opened + (self.text_end.cut(text) if self.text_end else text)

    def encode(self, messages: Messages, tools: Tools, steps: Sequence[Step]) -> Encoded:
        """Return a whole episode: each turn as `written`, with all that was shown between turns.

        Args:
            messages: The opening, up to and including what the user said first.
            tools: Those of the episode.
            steps: The episode.
        """
        completion: list[int] = []
        mask: list[int] = []
        turns = []
        for number, step in enumerate(steps):
            own = self.written(step.turn)
            turns.append((len(completion), len(completion) + len(own)))
            between = self.after(step, number, tools, stopped=True) if number + 1 < len(steps) else []
            completion += own + between
            mask += [1] * len(own) + [0] * len(between)
        return Encoded(self.prompt(messages, tools), completion, mask, turns)

    def _choose(self, prompt: str | None, stops: Sequence[str], options: Mapping[str, Any] | None) -> Prompts:
        has_template = bool(getattr(self.tokenizer, "chat_template", None))
        if prompt is None:
            prompt = "template" if has_template else "dialect"
        if prompt == "dialect":
            return DialectPrompts(self.dialect)
        if prompt != "template":
            msg = f"prompt must be 'template' or 'dialect', not {prompt!r:.60}"
            raise AgentError(msg)
        if not has_template:
            msg = "the tokenizer has no chat template: choose prompt='dialect', or set tokenizer.chat_template"
            raise AgentError(msg)
        if not isinstance(self.dialect.write(Turn("text")), str):
            msg = f"the turns of the dialect {self.dialect.name!r} are no text; choose another, such as 'hermes'"
            raise AgentError(msg)
        return TemplatePrompts(self.tokenizer, stops, options or {})

    def _own_text(self, turn: Turn) -> str | None:
        """Return what a model wrote, if it is known and this dialect reads it so; None for what a program wrote."""
        if not turn.raw or turn.raw == self.dialect.write(turn) or self.dialect.parse(turn.raw)[:2] != turn[:2]:
            return None
        opened = self._prompts.opened
        if not opened:
            return turn.raw
        return turn.raw.removeprefix(opened) if turn.raw.startswith(opened) else None

    def _read_mark(self, mark: str) -> list[int]:
        """Return the ids of what ends a turn: its mark if the tokenizer can write it, else the end of a sequence."""
        ids = self._ids(mark) if mark else []
        if ids and self.tokenizer.decode(ids, clean_up_tokenization_spaces=False) == mark:
            return ids
        eos = self.tokenizer.eos_token_id
        return [] if eos is None else [eos]

    def _behind(self, mark: str, text: str) -> list[int]:
        """Return the ids of a text behind a mark; some tokenizers put a space before a text that comes first."""
        end = self._end_ids[mark]
        ids = self._ids(mark + text) if mark else []
        return ids[len(end) :] if ids and ids[: len(end)] == end else self._ids(text)

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False))
