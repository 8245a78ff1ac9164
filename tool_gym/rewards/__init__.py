"""Rewards: pure functions of a scenario and a trajectory, one file per published scheme."""

from __future__ import annotations

from tool_gym.rewards.base import QuickScorer, Reward, Score, Scorer, StepScore, quick, score
from tool_gym.rewards.ftrl import FtrlReward
from tool_gym.rewards.lookup import REWARDS, get_reward, online_reward
from tool_gym.rewards.solve import SolveReward
from tool_gym.rewards.step_grained import StepGrainedReward
from tool_gym.rewards.tool_match import ToolMatchReward

__all__ = [
    "REWARDS",
    "FtrlReward",
    "QuickScorer",
    "Reward",
    "Score",
    "Scorer",
    "SolveReward",
    "StepGrainedReward",
    "StepScore",
    "ToolMatchReward",
    "get_reward",
    "online_reward",
    "quick",
    "score",
]
