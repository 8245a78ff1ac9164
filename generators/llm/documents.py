"""Other words for what tools say of themselves: each document is asked for once, and proved in every scenario it is in.

Only descriptions change: of the tool, and of its parameters. What complexity scaling has put behind or in place of them
stays. A rewritten document must keep every number, unit, name, noun of the domain and hinge of meaning (`_HINGES`); a
scenario takes its new documents only if every gate passes with them, gates G4, G6 and G12 among them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tool_gym import jsonio
from tool_gym.generators.calls import template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import Domain
from tool_gym.generators.llm.anchors import LONGEST, SHORTEST, SPARE
from tool_gym.generators.llm.rebuilt import Source, Words, proved, with_words, words_after, words_before
from tool_gym.generators.llm.runs import ACCEPTED, QUARANTINED, Run
from tool_gym.llm.answers import ask_json
from tool_gym.llm.client import Client, tokens_of
from tool_gym.llm.journal import Done
from tool_gym.llm.problems import Problem, pointer, shown
from tool_gym.scenario import Scenario, ToolSpec

VERSION = "1"
"""Version of the prompt."""

STAGE = "documents"
MARK = "LLM2"
"""What the certificate of a scenario with rewritten documents says it under."""

MAX_TOKENS = 2000

_HINGES = frozenset({
    "absent", "after", "all", "ascending", "at", "average", "before", "cancel", "cancelled", "change", "count",
    "create", "date", "deprecated", "descending", "each", "earlier", "earliest", "empty", "equal", "every", "exact",
    "exactly", "except", "excluding", "failed", "fewest", "first", "given", "highest", "id", "ids", "including",
    "inclusive", "last", "latest", "least", "left", "less", "limit", "longest", "lowest", "many", "match", "maximum",
    "mean", "minimum", "more", "most", "must", "needed", "never", "new", "no", "none", "not", "null", "number", "off",
    "one", "only", "optional", "or", "order", "required", "same", "several", "shortest", "sort", "sum", "than",
    "total", "two", "unchanged", "unless", "unordered", "update", "value", "when", "whether", "without",
})  # fmt: skip
"""Words on which the meaning of a document turns: those it has stay, and no other comes in."""

_TOKEN = re.compile(r"[\w²$%€]+(?:[.\-]\w+)*")
_MARKED = re.compile(r"'[^']{1,60}'|`[^`]{1,60}`|\"[^\"]{1,60}\"|\w*\d[\w.,\-]*|\w+_\w+|\b[A-Z]{2,}\b")
_BARRED = re.compile(r"[^\w\s.,;:?!'’\"()\-–—/`²%$€=]|https?:|www\.|[^\S ]")
_ORDER = """\
Rewrite the documentation of a tool in other words, for the same readers: what it does, and what each parameter is.
Nothing may be added, left out or changed in meaning. Keep word for word: numbers, units, quoted words, identifiers,
the names of things ({nouns}) and these words: {hinges}.
Each description stays one line of about the same length.

The documentation, as JSON: {document}"""


@dataclass(frozen=True)
class Document:
    """The words of a tool before scaling."""

    tool: str
    words: Words

    @property
    def plain(self) -> dict[str, Any]:
        """The words in the form they are asked for in."""
        parameters = [{"name": name, "description": text} for name, text in self.words.parameters.items()]
        return {"description": self.words.description, "parameters": parameters}


@dataclass(frozen=True)
class Documented:
    """What a run came to."""

    scenarios: list[Scenario]
    """The pack's scenarios in order, with new documents or, where these failed, as they were."""
    results: list[Done]
    """What became of each document."""
    about: dict[str, Any]
    """How it was done, for the card: also why scenarios keep the documents they had, reason → how many."""


def rewrite(source: Source, run: Run, *, progress: Callable[[int], None] = lambda _: None) -> Documented:
    """Have the documents of a pack's tools rewritten.

    Args:
        source: The pack.
        run: The open run.
        progress: Called with how many documents are done.

    Raises:
        GenerationError: If the pack's scenarios cannot be built again.
        EndpointError: If the endpoint fails for good.
        BudgetError: If a cap would be passed.
        KeyboardInterrupt: If a signal stopped it; the same call goes on.
    """
    pieces = {_key(run, document): _Piece(run, document, domain) for document, domain in documents_of(source)}
    results = run.do(pieces, progress)
    new = {
        key: Words(done.value["description"], done.value["parameters"])
        for key, done in zip(pieces, results, strict=True)
        if done.status == ACCEPTED
    }
    whence = f"documents rewritten by {run.settings.endpoint.model} ({run.constraint})"
    kept: Counter[str] = Counter()
    scenarios = [_proved(source, source.scenario(entry), run, new, whence, kept) for entry in source.entries]
    return Documented(scenarios, results, {"stage": STAGE, "version": VERSION, "kept": dict(sorted(kept.items()))})


def documents_of(source: Source) -> list[tuple[Document, Domain]]:
    """Return each different document of a pack's tools that has words, with the domain it speaks of first."""
    found: dict[str, tuple[Document, Domain]] | None = source.derived.get(documents_of)
    if found is None:
        found = source.derived[documents_of] = {}
        for candidate in (source.candidate(source.scenario(entry)) for entry in source.entries):
            for tool in candidate.scenario.tools:
                document = _document(candidate, tool)
                if document.words.description and not template(tool).retired:
                    found.setdefault(jsonio.dumps([document.tool, document.plain]), (document, candidate.domain))
    return list(found.values())


def estimate(source: Source) -> tuple[int, int]:
    """Return (tokens expected, tokens at most) for a pack."""
    sizes = [tokens_of(document.plain) for document, _ in documents_of(source)]
    return sum(4 * size + 500 for size in sizes), sum(18 * (size + 500 + MAX_TOKENS) for size in sizes)


def problems_of(document: Document, domain: Domain, value: dict[str, Any]) -> list[Problem]:
    """Return what keeps an answer from saying the same as a document."""
    names = [one["name"] for one in value["parameters"]]
    if names != list(document.words.parameters):
        return [Problem("/parameters", "names", shown(names), shown(list(document.words.parameters)))]
    pairs = [("/description", document.words.description, value["description"])]
    for number, one in enumerate(value["parameters"]):
        place = pointer("parameters", number, "description")
        pairs.append((place, document.words.parameters[one["name"]], one["description"]))
    return [problem for place, before, after in pairs for problem in _text_problems(place, domain, before, after)]


class _Piece:
    """The rewriting of one document."""

    def __init__(self, run: Run, document: Document, domain: Domain) -> None:
        self._run, self._document, self._domain = run, document, domain

    def __call__(self, client: Client) -> Done:
        document, domain = self._document, self._domain
        outcome = ask_json(
            client,
            _asked(document, domain),
            _schema(len(document.words.parameters)),
            stage=STAGE,
            version=VERSION,
            constraint=self._run.constraint,
            check=lambda value: problems_of(document, domain, value),
            max_tokens=MAX_TOKENS,
        )
        if not outcome.is_good:
            reason = [problem._asdict() for problem in outcome.problems]
            about = {"tool": document.tool, "document": document.plain, "reason": reason, "texts": outcome.texts}
            return Done(QUARANTINED, about)
        parameters = {one["name"]: one["description"] for one in outcome.value["parameters"]}
        return Done(ACCEPTED, {"description": outcome.value["description"], "parameters": parameters})


def _key(run: Run, document: Document) -> str:
    return run.key(STAGE, VERSION, document.tool, document.plain)


def _proved(  # noqa: PLR0913, PLR0917 - everything the scenario depends on
    source: Source, before: Scenario, run: Run, new: dict[str, Words], whence: str, kept: Counter[str]
) -> Scenario:
    """Return a scenario with its new documents, or as it was."""
    candidate = source.candidate(before)
    tools, origins, count = list[ToolSpec](), dict(candidate.origins), 0
    for tool in candidate.scenario.tools:
        words = new.get(_key(run, _document(candidate, tool))) if not template(tool).retired else None
        if words is None:
            tools.append(tool)
            continue
        origin = candidate.origins.get(tool.name, tool)
        tools.append(with_words(tool, words_after(tool, origin, words)))
        if tool.name in origins:
            origins[tool.name] = with_words(origin, words_before(origin, tool, tools[-1]))
        count += tools[-1] != tool
    if not count:
        kept["no document of its own was accepted, or had words left after scaling"] += 1
        return before
    scenario = candidate.scenario.model_copy(update={"tools": tuple(tools)}).with_id()
    try:
        return proved(
            replace(candidate, scenario=scenario, origins=origins), before, {MARK: {"documents": count}}, whence
        )
    except RejectedError as error:
        kept[f"{error.gate}: {error.reason}"] += 1
        return before


def _document(candidate: Candidate, tool: ToolSpec) -> Document:
    origin = candidate.origins.get(tool.name, tool)
    return Document(origin.name, Words.of(origin))


def _text_problems(place: str, domain: Domain, before: str, after: str) -> Iterator[Problem]:
    strange = _BARRED.search(after)
    if strange is not None and strange.group() not in before:
        yield Problem(place, "characters", shown(strange.group()), "plain prose on one line")
    least, most = SHORTEST * len(before), LONGEST * len(before) + SPARE
    if not least <= len(after) <= most:
        yield Problem(place, "length", f"{len(after)} characters", f"{int(least)} to {int(most)} characters")
    kept, said = _kept(domain, before), _kept(domain, after)
    for word in [*(kept - said), *(said - kept)]:
        if word in kept:
            yield Problem(place, "left out", f"{said[word]} times", f"{word!r} word for word, {kept[word]} times")
        else:
            yield Problem(place, "brought in", repr(word), "nothing that the original does not say")


def _kept(domain: Domain, text: str) -> Counter[str]:
    """Return what of a text must be kept: text → 1, or how often where that matters."""
    found = Counter(_MARKED.findall(text))
    folded = f" {' '.join(_TOKEN.findall(text.casefold()))} "
    found.update({word for word in folded.split() if word in _HINGES})
    found.update({noun for noun in _nouns(domain) if f" {noun} " in folded})
    return found


def _nouns(domain: Domain) -> set[str]:
    entities = [noun for entity in domain.entities.values() for noun in (entity.noun, entity.plural)]
    return {noun.casefold() for noun in entities}


def _asked(document: Document, domain: Domain) -> list[dict[str, Any]]:
    text = " ".join([document.words.description, *document.words.parameters.values()]).casefold()
    tokens = set(_TOKEN.findall(text))
    nouns = ", ".join(sorted(noun for noun in _nouns(domain) if noun in text)) or "none here"
    hinges = ", ".join(sorted(tokens & _HINGES)) or "none here"
    told = _ORDER.format(nouns=nouns, hinges=hinges, document=jsonio.dumps(document.plain))
    return [{"role": "user", "content": told}]


def _schema(count: int) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 1000}
    fields = {"name": {"type": "string", "maxLength": 64}, "description": text}
    one = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    parameters = {"type": "array", "items": one, "minItems": count, "maxItems": count}
    whole = {"description": text, "parameters": parameters}
    return {"type": "object", "properties": whole, "required": list(whole), "additionalProperties": False}
