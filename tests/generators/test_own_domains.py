"""Domains of one's own: drawn on like bundled ones, by any number of processes, and part of a pack's recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generators.llm.written import BEEKEEPING
from tool_gym.envs.card import Card
from tool_gym.envs.pack import read_card
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.domain import Domain, load_domain, use_domain
from tool_gym.generators.llm.domain_form import domain_of
from tool_gym.generators.pinned import plan_of, recipe_of
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import PackPlan

OWN = Domain.model_validate({**domain_of(BEEKEEPING, "train"), "name": "own_bees"})


def test_processes_share_the_work_and_the_recipe_holds_the_domain(tmp_path: Path) -> None:
    plan = PackPlan("bees", {"train": 32}, own=(OWN,))
    for workers in (1, 2):
        build_pack(plan, tmp_path / str(workers), workers=workers)
    one, two = (read_card(tmp_path / name) for name in ("1", "2"))
    assert one == two
    assert one.counts["domain"] == {"own_bees": 32}
    assert plan_of(Card.model_validate_json(recipe_of(one))).digest() == plan.digest()


def test_a_plan_follows_from_the_content_of_its_domains() -> None:
    plan = PackPlan("bees", {"train": 32}, own=(OWN,))
    assert plan.domains_of("train") == plan.domains_of("test") == ("own_bees",)
    mixed = PackPlan("bees", {"train": 32}, {"train": ("own_bees", "hotels")}, own=(OWN,))
    assert mixed.domains_of("train") == ("own_bees", "hotels")
    other = OWN.model_copy(update={"name": "other_bees", "title": "wild bees"})
    again = OWN.model_copy(update={"name": "other_bees"})
    assert PackPlan("bees", {"train": 32}, own=(other,)).digest() != plan.digest()
    with pytest.raises(GenerationError, match="stands for another domain already"):
        PackPlan("bees", {"train": 32}, own=(again,))


def test_a_bundled_name_is_taken() -> None:
    with pytest.raises(GenerationError, match="'hotels' stands for another domain already"):
        use_domain(OWN.model_copy(update={"name": "hotels"}))
    assert load_domain("hotels").title != OWN.title


def test_an_unknown_name_is_still_unknown() -> None:
    with pytest.raises(UnknownNameError, match="hotel"):
        load_domain("hotells")
