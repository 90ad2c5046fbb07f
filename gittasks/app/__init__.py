"""Use cases: the only layer that knows both tasks and runs. Prints nothing, reads no environment."""
