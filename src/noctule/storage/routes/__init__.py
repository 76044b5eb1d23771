"""The routes of the storage tag: wire in, service, wire out. One module for each way to come to files."""
