"""Webhooks: signed messages to a workspace's own servers, through an outbox."""
