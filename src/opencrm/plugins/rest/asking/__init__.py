"""What enters: who asks, the body, the query string."""
