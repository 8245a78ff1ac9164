"""Reading requests back: can a scenario's words only mean its goal?

The pipeline asks this of every hundredth scenario, tests of goals over every domain. A text that can mean something
else is a bug of the wording, so it ends the run; a text that the reader makes nothing of is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tool_gym.errors import GenerationError
from tool_gym.generators.build import SeedPath, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.plan import PackPlan, wish
from tool_gym.generators.wording.parse_check import Verdict, check_reading
from tool_gym.generators.wording.parse_gaps import as_missing, left_open
from tool_gym.generators.wording.parse_say import spelled_out
from tool_gym.scenario import Scenario


def read_back(candidate: Candidate) -> Verdict:
    """Read a candidate's request back and compare what it can mean with its goal."""
    draft, world, goal = candidate.draft, candidate.world, candidate.draft.goal
    if draft.gap is not None:
        goal = (left_open(goal[0], draft.gap),)
    if draft.missing is not None:
        goal, world = (as_missing(draft.missing.wanted, draft.missing.row),), draft.missing.shadow
    return check_reading(goal, candidate.scenario.user_turns, candidate.domain, world)


def check(candidate: Candidate) -> Verdict:
    """Read a candidate's request back.

    Raises:
        GenerationError: If it can mean something else; that is a bug of the wording, so nothing is written.
    """
    verdict = read_back(candidate)
    if verdict.kind == "different":
        draft = candidate.draft
        meant = spelled_out(draft.goal, candidate.domain, candidate.world if draft.missing is None else draft.missing.shadow)
        text = "\n".join(candidate.scenario.user_turns)
        msg = (
            f"the request of {candidate.scenario.seed_path} can mean two things:\n{text}\nmeant: {meant}\n"
            f"also: {verdict.other}\nReword the frames it is made of (tool_gym/generators/wording)."
        )
        raise GenerationError(msg)
    return verdict


def reading_report(plan: PackPlan, scenarios: Iterable[Scenario]) -> dict[str, dict[str, int]]:
    """Return shape → what reading back has shown → in how many scenarios.

    Args:
        plan: The plan their pack was made by.
        scenarios: Those to read, as the pipeline made them; each is built again, for its goal is not in the pack.

    Raises:
        RejectedError: If one is not what its plan makes.
    """
    found: dict[str, Counter[str]] = {}
    for scenario in scenarios:
        asked = wish(plan, scenario.shape, int(str(scenario.knobs["depth"])))
        verdict = read_back(build(SeedPath.parse(scenario.seed_path), asked))
        found.setdefault(scenario.shape, Counter())[verdict.kind] += 1
    return {shape: dict(counts) for shape, counts in found.items()}
