"""Workspaces and their API keys: who may call, and on whose account."""
