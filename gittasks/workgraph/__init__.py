"""The durable layer: tasks, one YAML file each under `.tasks/`, and the graph they make.

Knows nothing of git or of runs; `gittasks.runtime` may never be imported here, nor the other way round.
"""
