"""What people are asked to fill in, and where it goes."""
