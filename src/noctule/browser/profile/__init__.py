"""What a browser remembers of sites: its files, packed and unpacked, and how both parts of a profile are kept."""
