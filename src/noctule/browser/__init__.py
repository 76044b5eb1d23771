"""One machine's browsers: launch, warm pool, drive a page, CDP proxy, egress proxy. Knows no tag."""
