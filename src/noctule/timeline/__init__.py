"""Everything that happened in a session, on one clock."""
