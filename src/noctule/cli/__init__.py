"""The command ``noctule``."""
