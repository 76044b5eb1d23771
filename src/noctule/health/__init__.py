"""Whether the server lives and whether it is ready; asked without a key."""
