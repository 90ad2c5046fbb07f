"""Teammates: Python callables that claim ready tasks and work on them, each in a thread of its host's process.

`teammate` has the loop, `context` what a callable gets, `inbox` the messages.
"""
