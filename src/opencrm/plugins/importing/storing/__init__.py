"""Storing: finding the records that rows name, and writing the others."""
