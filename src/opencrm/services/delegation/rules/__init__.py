"""The five rules, over one change seen from one seat: what is asked of structure, people and their accounts."""
