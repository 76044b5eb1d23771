"""Scripts: what a session has done, as code that does it again."""
