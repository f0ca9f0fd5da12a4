"""Maps: what they say, how they are read, and whether they fit a workspace."""
