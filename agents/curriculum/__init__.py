"""Which scenarios are played next: schedules that can be put into each other.

    uniform     every scenario once an epoch
    levels      a window of levels that moves up as the top one is mastered
    failures    the more of a family, the more it is failed
    difficulty  scenarios whose groups are likely to differ in outcome, for only these carry a gradient

`make_schedule` builds one from a `ScheduleConfig`: levels, if asked for, hold a schedule for each level; failures one
for each family in it; at the bottom stands difficulty or uniform. `GroupResult` and `Schedule` are what trainers use.

Confucius (arXiv 2308.14034) orders its training by distractors: only the gold tools, then some of their category, then
some of any. A pack of this project says how many tools a scenario has that it does not need, so the key `toolset` (the
operator's level: 0, 3, 6, 10 or 16 unneeded tools) or `unneeded_tools` makes a curriculum from none to many. It does
not say which of them are near and which far, and all are of the scenario's own domain: a phase of distractors from
other categories cannot be told apart, and none is offered.
"""

from __future__ import annotations

from tool_gym.agents.curriculum.base import GroupResult, Schedule
from tool_gym.agents.curriculum.building import ScheduleConfig, make_schedule
from tool_gym.agents.curriculum.difficulty import DifficultyConfig, DifficultySchedule
from tool_gym.agents.curriculum.failures import FailureConfig, FailureSchedule, FailureTally
from tool_gym.agents.curriculum.levels import LevelConfig, LevelSchedule
from tool_gym.agents.curriculum.rows import Family, Row, read_rows
from tool_gym.agents.curriculum.uniform import UniformSchedule

__all__ = [
    "DifficultyConfig",
    "DifficultySchedule",
    "FailureConfig",
    "FailureSchedule",
    "FailureTally",
    "Family",
    "GroupResult",
    "LevelConfig",
    "LevelSchedule",
    "Row",
    "Schedule",
    "ScheduleConfig",
    "UniformSchedule",
    "make_schedule",
    "read_rows",
]
