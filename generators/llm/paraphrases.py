"""Other words for what users say: accepted only if everything that was proved of the scenario is proved again.

A paraphrase must keep every anchor (`anchors`), pass every gate of the pipeline anew, lead a fresh call back to the
gold (`translation`), and give nothing away to a call without tools. One that fails is dropped, and the scenario keeps
the words it had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tool_gym import jsonio
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates import g14_duplicates
from tool_gym.generators.llm import anchors, translation
from tool_gym.generators.llm.rebuilt import ALONE, Source, proved, said_otherwise
from tool_gym.generators.llm.runs import ACCEPTED, QUARANTINED, Run
from tool_gym.llm.answers import ask_json
from tool_gym.llm.client import Client, tokens_of
from tool_gym.llm.journal import Done
from tool_gym.llm.problems import Problem
from tool_gym.scenario import Scenario

VERSION = "1"
"""Version of the prompt."""

STAGE = "paraphrases"
MARK = "LLM1"
"""What the certificate of a paraphrased scenario says it under."""

MAX_TOKENS = 1200
VOTES, NEEDED = 3, 2
"""Back-translations, and how many of them must succeed; one of one in cheap mode."""

_ORDER = """\
Say the user's lines of this conversation in other words, as another person would who wants exactly the same: another
build of sentence, another tone. Do not answer them, and let nothing be asked for that was not, or left out.
Keep these as they are, word for word and as often: {anchors}.
Bring in no other number, name, date, unit or category. Keep what is compared, ordered, counted or averaged, and the
order of several questions. Each line stays one line unless it was several.

The lines, as JSON: {lines}"""


@dataclass(frozen=True)
class Paraphrased:
    """What a run came to."""

    scenarios: list[Scenario]
    """The pack's scenarios in order, in new words or, where these failed, as they were."""
    results: list[Done]
    """What became of each paraphrase."""
    about: dict[str, Any]
    """How it was done, for the card: also why scenarios keep words whose paraphrase was accepted by itself."""


def paraphrase(
    source: Source, run: Run, *, cheap: bool = False, progress: Callable[[int], None] = lambda _: None
) -> Paraphrased:
    """Have every scenario of a pack paraphrased.

    Args:
        source: The pack.
        run: The open run.
        cheap: Whether one back-translation of one must succeed, in place of two of three.
        progress: Called with how many are done.

    Raises:
        GenerationError: If the pack's scenarios cannot be built again.
        EndpointError: If the endpoint fails for good.
        BudgetError: If a cap would be passed.
        KeyboardInterrupt: If a signal stopped it; the same call goes on.
    """
    pieces = {}
    for entry in source.entries:
        key = run.key(STAGE, VERSION, translation.VERSION, entry.id, cheap)
        pieces[key] = _Piece(source, run, source.scenario(entry), cheap=cheap)
    results = run.do(pieces, progress)
    whence = f"user turns paraphrased by {run.settings.endpoint.model} ({run.constraint})"
    register, kept, scenarios = g14_duplicates.Register(), Counter[str](), []
    for entry, done in zip(source.entries, results, strict=True):
        before = source.scenario(entry)
        candidate = source.candidate(before)
        try:
            if done.status == ACCEPTED:
                after = said_otherwise(candidate, tuple(done.value["turns"]), before.tools)
                scenario = proved(after, before, {MARK: done.value["proof"]}, whence)
                _register(register, after)
                scenarios.append(scenario)
                continue
        except RejectedError as error:
            kept[f"{error.gate}: {error.reason}"] += 1
        with suppress(RejectedError):  # it was in the pack before, and stays
            _register(register, candidate)
        scenarios.append(before)
    votes = "1 of 1" if cheap else f"{NEEDED} of {VOTES}"
    about = {"stage": STAGE, "version": VERSION, "back_translations": votes, "kept": dict(sorted(kept.items()))}
    return Paraphrased(scenarios, results, about)


def estimate(source: Source, *, cheap: bool = False) -> tuple[int, int]:
    """Return (tokens expected, tokens at most) for a pack."""
    expected = most = 0
    for entry in source.entries:
        scenario = source.scenario(entry)
        said = tokens_of(list(scenario.user_turns))
        tools = tokens_of([tool.schema for tool in scenario.tools]) * 4 // 3  # and what their results look like
        turns = len(scenario.user_turns)
        once = 3 * said + 300 + turns * (tools + said + 900) * (1 if cheap else NEEDED) + said + 200
        worst = MAX_TOKENS + said + turns * (tools + translation.MAX_TOKENS) * (1 if cheap else VOTES)
        expected, most = expected + once, most + 9 * 2 * worst
    return expected, most


class _Piece:
    """The paraphrase of one scenario."""

    def __init__(self, source: Source, run: Run, before: Scenario, *, cheap: bool) -> None:
        self._source, self._run, self._before, self._cheap = source, run, before, cheap

    def __call__(self, client: Client) -> Done:
        with ALONE:
            before = self._source.candidate(self._before)
        turns = self._before.user_turns
        outcome = ask_json(
            client,
            _asked(before),
            _schema(len(turns)),
            stage=STAGE,
            version=VERSION,
            constraint=self._run.constraint,
            check=lambda value: problems_of(before, value["turns"]),
            max_tokens=MAX_TOKENS,
        )
        about = {"scenario": self._before.id, "user_turns": list(turns)}
        if not outcome.is_good:
            reason = [problem._asdict() for problem in outcome.problems]
            return Done(QUARANTINED, {**about, "reason": reason, "texts": outcome.texts})
        said = tuple(outcome.value["turns"])
        about["paraphrase"] = list(said)
        after = said_otherwise(before, said, self._before.tools)
        try:
            with ALONE:
                proved(after, self._before, {}, "")
        except RejectedError as error:
            return Done("gates", {**about, "reason": f"{error.gate}: {error.reason}"})
        return self._translated(after, client, about)

    def _translated(self, after: Candidate, client: Client, about: dict[str, Any]) -> Done:
        votes, needed = (1, 1) if self._cheap else (VOTES, NEEDED)
        found = missed = 0
        for vote in range(votes):
            if translation.comes_back(after, client, self._run.constraint, vote):
                found += 1
            else:
                missed += 1
            if found >= needed or missed > votes - needed:
                break
        if found < needed:
            return Done("back-translation", {**about, "reason": f"{found} of {found + missed} plans met the goals"})
        guessed = bool(translation.guessable(after.scenario))
        if guessed and translation.is_guessed(after.scenario, client, self._run.constraint):
            return Done("guessed", {**about, "reason": "a model without tools hit the answer"})
        proof = {
            "anchors": sum(len(anchors.anchors(after, turn)) for turn in self._before.user_turns),
            "back_translation": f"{found} of {found + missed}",
            "no_tools": "failed" if guessed else "nothing to guess",
            "paraphrase_of": self._before.id,
        }
        return Done(ACCEPTED, {"turns": list(after.scenario.user_turns), "proof": proof})


def problems_of(candidate: Candidate, turns: list[str]) -> list[Problem]:
    """Return what keeps lines from being paraphrases of a candidate's user turns."""
    before = candidate.scenario.user_turns
    found = [
        problem
        for number, (old, new) in enumerate(zip(before, turns, strict=True))
        for problem in anchors.problems_of(candidate, old, new, number)
    ]
    if not found and [turn.split() for turn in before] == [turn.split() for turn in turns]:
        return [Problem("/turns", "unchanged", "the same words", "other words")]
    return found


def _register(register: g14_duplicates.Register, candidate: Candidate) -> None:
    """Add a scenario to those of the pack; raises RejectedError if it has nearly the words of another."""
    register.check(g14_duplicates.fingerprint(candidate, " ".join(candidate.scenario.user_turns)))


def _asked(candidate: Candidate) -> list[dict[str, Any]]:
    turns = candidate.scenario.user_turns
    kept = dict.fromkeys(anchor for turn in turns for anchor in anchors.anchors(candidate, turn))
    lines = jsonio.dumps(list(turns))
    return [{"role": "user", "content": _ORDER.format(anchors=anchors.listed(kept), lines=lines)}]


def _schema(count: int) -> dict[str, Any]:
    line = {"type": "string", "minLength": 1, "maxLength": 3000}
    turns = {"type": "array", "items": line, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"turns": turns}, "required": ["turns"], "additionalProperties": False}
