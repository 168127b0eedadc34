"""The spelling service as it was written with events."""
