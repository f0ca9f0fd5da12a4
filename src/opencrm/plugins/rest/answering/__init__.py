"""What leaves: records and problems."""
