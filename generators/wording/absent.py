"""Requests about what is not there, worded as if it were."""

from __future__ import annotations

import random

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import Top, Update
from tool_gym.generators.missing import Missing
from tool_gym.generators.wording.acts import request
from tool_gym.generators.wording.draft import Draft, Phrase
from tool_gym.generators.wording.entities import restriction
from tool_gym.generators.wording.questions import question
from tool_gym.generators.wording.requests import dressed, joined, realise


def realise_missing(missing: Missing, domain: Domain, rng: random.Random) -> str:
    """Word a request about what is missing; `rng`: equal streams give equal texts."""
    row, wanted = missing.row, missing.wanted
    if not isinstance(row, Top):
        return realise((wanted,), domain, missing.shadow, rng)
    draft = Draft(domain, missing.shadow, rng)
    noun = draft.entity(row).noun
    draft.known[row] = Phrase(f"the {noun} {restriction(draft, row, 0).text}", noun)
    sentences = request(draft, wanted) if isinstance(wanted, Update) else question(draft, wanted)
    kind = "act" if isinstance(wanted, Update) else "question"
    return dressed(draft, [*draft.leading, *joined(draft, draft.steps), *sentences], kind)
