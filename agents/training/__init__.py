"""Training: one typed configuration, the stages SFT, GRPO and DPO on TRL's trainers, resume, evaluation, report."""
