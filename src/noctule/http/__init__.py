"""The door: keys become callers, errors become replies, and every rule of the wire that no tag knows."""
