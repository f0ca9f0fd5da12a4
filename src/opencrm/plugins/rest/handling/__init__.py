"""How a request is answered: what enters, what leaves, and which address leads where."""
