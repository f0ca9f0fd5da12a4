"""Running until it is told to stop."""
