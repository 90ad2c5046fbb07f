"""The floor: errors, records, atomic files, locks, processes, clock, ids, printable text.

Knows nothing of tasks, git or runs.
"""
