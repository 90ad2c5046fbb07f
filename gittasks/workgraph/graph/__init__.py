"""The graph that tasks make: who waits for whom, what is ready, cycles, orders, reach. Pure.

Here stands what every read needs. `cycles` (asked before a write) and `paths` (asked by drawings) are modules of
their own, so that a read does not load them. Nobody here knows files, git or how a graph is drawn.
"""

from __future__ import annotations

from gittasks.workgraph.graph.derived import Derived, derive, is_ready, ready_key, touches_graph

__all__ = ["Derived", "derive", "is_ready", "ready_key", "touches_graph"]
