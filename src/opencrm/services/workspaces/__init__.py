"""A workspace as services see it: its configuration, its catalogue, and who somebody is in it."""
