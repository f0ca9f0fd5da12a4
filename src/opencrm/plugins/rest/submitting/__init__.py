"""What came by web forms, over REST."""
