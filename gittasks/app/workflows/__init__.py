"""Workflows at work: the files, whether they may run, the worker that starts step after step, what became of each."""
