"""The simulator: many clones and worktrees work at random on one graph of tasks, and nothing may get lost.

`python -m tests.simulator --clones 5 --steps 500 --seed 7`. The same seed takes the same steps. `ledger` holds what
must be true, and knows nothing of merging: it is told what was edited, and what was reported as a conflict.
"""
