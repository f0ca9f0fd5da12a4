"""Passwords: which may be chosen, how they are kept, and how one comes to another one."""
