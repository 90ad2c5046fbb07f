"""Runs on other machines: the engine that reaches them, what works there, the worker that tends a run from here."""
