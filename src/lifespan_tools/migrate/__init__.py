"""Migrate: rewrites startup and shutdown events in source into a lifespan."""
