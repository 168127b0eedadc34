"""Doctor: each of its predictions is compared with a real run."""
