"""The routes of the storage tag."""
