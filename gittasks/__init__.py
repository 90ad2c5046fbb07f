"""gittasks: a work graph in git, a worktree for each task, background runs that are never lost."""

from __future__ import annotations

__version__ = "0.1.0"
