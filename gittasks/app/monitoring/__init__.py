"""Monitors: a command, a URL, a file, a log, a run or a git ref, looked at until a condition holds.

`watching` is the worker; `sources` and `web` look; `telling` decides what is told, and when; `bounds` keeps hostile
input small.
"""
