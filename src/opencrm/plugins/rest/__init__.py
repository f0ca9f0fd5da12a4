"""REST over every registered entity."""
