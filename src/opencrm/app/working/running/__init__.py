"""Going on with what rules left for later."""
