"""Secrets: values that a workspace keeps for its functions and its model providers."""
