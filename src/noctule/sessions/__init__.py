"""Sessions: a user's browser, from start to stop."""
