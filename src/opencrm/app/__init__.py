"""The composition root: a workspace, its worker and what serves it."""
