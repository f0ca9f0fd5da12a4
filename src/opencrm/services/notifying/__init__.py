"""What people are told: their inboxes, what they choose to be told where, and letters."""
