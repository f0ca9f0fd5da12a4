"""The write path: one block of work, and the steps that every change goes through."""
