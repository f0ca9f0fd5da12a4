"""What a workspace says of itself: its people, its lists and its definitions."""
