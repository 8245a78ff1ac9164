"""How varied texts are: distinct n-grams, self-BLEU, near-duplicates."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates.g14_duplicates import Fingerprint, Register, masked, shingles_of
from tool_gym.generators.seeding import stream

SAMPLE = 1000
"""Texts that distinct-n is measured on: the figure falls with their number, so it is fixed."""

HYPOTHESES, REFERENCES = 200, 100
"""Texts that self-BLEU is measured on, and others that each is compared with."""

ORDER = 4

Grams: TypeAlias = Counter[tuple[str, ...]]

_TOKEN = re.compile(r"\w+(?:[.,:'’-]\w+)*|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Return the words and marks of a text, case aside.

    >>> tokens("What's the fee of MEM-1234, in USD?")
    ["what's", 'the', 'fee', 'of', 'mem-1234', ',', 'in', 'usd', '?']
    """
    return _TOKEN.findall(text.casefold())


def sample(texts: Sequence[str], count: int, *purpose: str) -> list[str]:
    """Return so many of the texts, or all, drawn the same way every time."""
    return list(texts) if len(texts) <= count else stream("audit", *purpose).sample(list(texts), count)


def distinct(texts: Sequence[str], order: int) -> float:
    """Return distinct-n: different n-grams over all n-grams (Li et al. 2016), in [0, 1].

    Args:
        texts: The texts, split into words at white space; the figure is comparable only for equal numbers of texts of
            similar length.
        order: n.
    """
    found = Counter(gram for text in texts for gram in _grams(text.casefold().split(), order))
    return len(found) / max(1, found.total())


def self_bleu(texts: Sequence[str], *purpose: str) -> float:
    """Return self-BLEU-4 (Zhu et al. 2018) in percent: how well each text is made up of pieces of others.

    The mean sentence BLEU (Papineni et al. 2002, with the exponential smoothing of Chen and Cherry 2014) of
    `HYPOTHESES` texts, each against `REFERENCES` others.

    Args:
        texts: The texts; with fewer than two the figure is 0.
        *purpose: What the sample is drawn for.
    """
    if len(texts) < 2:
        return 0.0
    counts = [[Counter(_grams(tokens(text), order)) for order in range(1, ORDER + 1)] for text in texts]
    rng = stream("audit", "self-bleu", *purpose)
    chosen = rng.sample(range(len(texts)), min(HYPOTHESES, len(texts)))
    total = 0.0
    for number in chosen:
        others = rng.sample(range(len(texts)), min(REFERENCES + 1, len(texts)))
        references = [counts[other] for other in others if other != number][:REFERENCES]
        total += bleu(counts[number], references)
    return 100 * total / len(chosen)


def bleu(hypothesis: Sequence[Grams], references: Sequence[Sequence[Grams]]) -> float:
    """Return the sentence BLEU of a text, given as n-gram counts for n = 1, 2, …, in [0, 1]."""
    length = hypothesis[0].total()
    closest = min((reference[0].total() for reference in references), key=lambda n: (abs(n - length), n))
    logarithm, halvings = 0.0, 0
    for order, grams in enumerate(hypothesis):
        if not grams:
            return 0.0
        matched = sum(min(count, max(ref[order][gram] for ref in references)) for gram, count in grams.items())
        if not matched:
            halvings += 1
        precision = (matched or 0.5**halvings) / grams.total()
        logarithm += math.log(precision) / len(hypothesis)
    return min(1.0, math.exp(1 - closest / length)) * math.exp(logarithm)


def near_duplicates(texts: Sequence[tuple[str, Sequence[str]]]) -> float:
    """Return the share of texts that nearly repeat an earlier one: Jaccard index of masked word triples ≥ 0.8.

    Args:
        texts: Each with the names in it, which are masked like ids, numbers and dates.
    """
    register, repeated = Register(), 0
    for number, (text, names) in enumerate(texts):
        try:
            register.check(Fingerprint("", str(number), shingles_of(masked(text, names))))
        except RejectedError:
            repeated += 1
    return repeated / max(1, len(texts))


def _grams(words: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return list(zip(*(words[start:] for start in range(order)), strict=False))
