"""Agents: who learns. Training programs and policies that need the `train` extra."""
