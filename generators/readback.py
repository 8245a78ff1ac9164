"""Reading requests back: can a scenario's words only mean its goal?

The pipeline asks this of every hundredth scenario, tests of goals over every domain. A text that can mean something
else is a bug of the wording, so it ends the run; one that the reader makes nothing of is a gap of the reader, which
`tool_gym.generators.reading_report` counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from tool_gym.errors import GenerationError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.wording.parse_check import Verdict, check_reading
from tool_gym.generators.wording.parse_gaps import as_missing, left_open
from tool_gym.generators.wording.parse_say import spelled_out


def read_back(candidate: Candidate, texts: Sequence[str] | None = None) -> Verdict:
    """Read a candidate's request back, or other words for it, and compare what they can mean with its goal."""
    draft, world, goal = candidate.draft, candidate.world, candidate.draft.goal
    if draft.gap is not None:
        goal = (left_open(goal[0], draft.gap),)
    if draft.missing is not None:
        goal, world = (as_missing(draft.missing.wanted, draft.missing.row),), draft.missing.shadow
    return check_reading(goal, texts or candidate.scenario.user_turns, candidate.domain, world)


def check(candidate: Candidate) -> Verdict:
    """Read a candidate's request back.

    Raises:
        GenerationError: If it can mean something else; that is a bug of the wording, so nothing is written.
    """
    verdict = read_back(candidate)
    if verdict.kind == "different":
        draft = candidate.draft
        meant = spelled_out(
            draft.goal, candidate.domain, candidate.world if draft.missing is None else draft.missing.shadow
        )
        text = "\n".join(candidate.scenario.user_turns)
        msg = (
            f"the request of {candidate.scenario.seed_path} can mean two things:\n{text}\nmeant: {meant}\n"
            f"also: {verdict.other}\n"
            "Reword the frames it is made of (tool_gym/generators/wording), or the forms of its domain."
        )
        raise GenerationError(msg)
    return verdict
