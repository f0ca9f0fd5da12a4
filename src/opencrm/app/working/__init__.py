"""The worker: what is done after a commit, and what comes with time."""
