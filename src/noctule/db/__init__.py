"""Engine, unit of work and migrations. Knows SQL and nothing of what the tables mean."""
