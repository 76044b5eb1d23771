"""The model gateway: one narrow door to language models, every call through it metered."""
