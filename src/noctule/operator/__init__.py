"""The operator's API: every workspace, its plan and its credit."""
