"""What two records have in common: keys, and names that are nearly the same."""
