"""Commands that die or fail at each of the system calls with which they, and git for them, change something."""
