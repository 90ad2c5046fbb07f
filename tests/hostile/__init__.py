"""Repositories that an attacker wrote: what lies in them, what must not come of it."""
