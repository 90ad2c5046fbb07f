"""The runtime layer: runs, live execution slots under `.task_outputs/`, with their supervisor and index.

Knows nothing of git or of tasks; `gittasks.workgraph` may never be imported here, nor the other way round.
"""
