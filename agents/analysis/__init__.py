"""What training changed in a model, where the gain sits, and what it cost elsewhere.

    names, selection    layers and modules of a weight's name; choosing some of them
    weights, adapter    checkpoints and LoRA adapters, read tensor by tensor
    pairing, change     the weights of two checkpoints side by side; how far each moved
    figures             heat maps and the picture of a sweep
    hybrid, playing     checkpoints of base and tuned parts; what a checkpoint scores on a suite
    causal, bootstrap   transplants, reverts and sweeps with intervals
    perplexity, harness the guard of general capability

Only `weights`, `adapter`, `hybrid`, `playing`, `perplexity`, `harness` and `figures` need the extra `train`, when used.
"""
