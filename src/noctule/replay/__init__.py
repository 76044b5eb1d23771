"""Replays: the films of sessions, kept for a while after them."""
