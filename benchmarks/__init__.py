"""Measures the installed program from outside, whole processes only, beside git and other tools.

Run it with `python -m benchmarks`, or `make bench`. It imports nothing of gittasks: what it measures is what a
user's shell would start. Everything happens in a temporary folder, which is removed at the end.
"""
