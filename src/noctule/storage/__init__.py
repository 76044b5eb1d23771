"""Files that people give to sessions, and files that sessions bring."""
