"""What a session's browser exchanged with the network: batches of it, and HAR."""
