"""The tests of `lifespan migrate`."""
