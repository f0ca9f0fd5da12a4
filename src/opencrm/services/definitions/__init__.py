"""What a workspace defines for itself: custom fields, as records and as text."""
