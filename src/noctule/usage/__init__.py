"""Usage: the window on metering, and the log of API requests."""
