"""From a document to its content: main content, markdown, images; no I/O but the subprocess that reads PDFs."""
