"""Wording: the English of a goal.

`realise` words what the user asks for; `question_of` words what one call of a plan finds out. Both only say what
the expressions say: a referring phrase that would grow too long gets a sentence of its own.
"""

from tool_gym.generators.wording.hops import question_of
from tool_gym.generators.wording.requests import Goal, realise

__all__ = ["Goal", "question_of", "realise"]
