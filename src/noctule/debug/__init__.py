"""The debug tag: seeing a session while it runs, and taking it over."""
