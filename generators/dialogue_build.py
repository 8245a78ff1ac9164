"""Where dialogues, and requests about what is missing, differ in the making: what is drawn, said and asked back."""

from __future__ import annotations

import random

from tool_gym.generators.decompose import Draft, compile_goal
from tool_gym.generators.deploy import Deployed
from tool_gym.generators.dialogue_asks import AskSampler, with_question
from tool_gym.generators.dialogue_turns import TurnSampler
from tool_gym.generators.domain import Domain
from tool_gym.generators.missing import MissingSampler
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.wording import realise
from tool_gym.generators.wording.absent import realise_missing
from tool_gym.generators.wording.dialogue_asks import keywords_of, realise_without, reply_of
from tool_gym.generators.wording.dialogue_turns import realise_turns
from tool_gym.world import World


def draft_of(shape: str, depth: int, sampler: Sampler) -> Draft:
    """Draw a goal of a shape and the calls that reach it.

    Raises:
        RejectedError: If this draw leads nowhere; draw again.
    """
    if shape == "multi_turn":
        return TurnSampler(sampler).draft(depth)
    if shape == "missing":
        return MissingSampler(sampler).draft(depth)
    if shape != "ask":
        return compile_goal(sampler.goal(shape, depth), sampler.world)
    goal, gap = AskSampler(sampler).goal(depth)
    draft = compile_goal(goal, sampler.world)
    draft.gap = gap
    return draft


def lines_of(draft: Draft, domain: Domain, world: World, rng: random.Random) -> tuple[str, ...]:
    """Word what the user says in each turn; `rng`: equal streams give equal texts."""
    if draft.gap is not None:
        return (realise_without(draft.goal[0], draft.gap, domain, world, rng),)
    if draft.missing is not None:
        return (realise_missing(draft.missing, domain, rng),)
    if draft.links:
        return realise_turns(draft.goal, draft.links, domain, world, rng)
    return (realise(draft.goal, domain, world, rng),)


def with_questions(draft: Draft, deployed: Deployed, domain: Domain, world: World, rng: random.Random) -> Deployed:
    """Return what was deployed with the question that fills the draft's gap, if it has one."""
    if draft.gap is None:
        return deployed
    return with_question(draft, deployed, keywords_of(draft.gap, domain), reply_of(draft.gap, domain, world, rng))
