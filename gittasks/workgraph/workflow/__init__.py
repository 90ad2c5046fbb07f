"""Workflows as their files say them: steps, what each needs, for which values, under which condition. Pure.

Knows nothing of runs: what a step starts, and what became of it, is the business of `app.workflows`.
"""
