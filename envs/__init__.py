"""What you `gym.make`: environments over packs of scenarios, scripted policies, rollouts, the checker."""
