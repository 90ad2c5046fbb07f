"""The git layer: finding the repository, the one door to git commands, worktrees, staging, history.

Knows nothing of what a task or a run means.
"""
