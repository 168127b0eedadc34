"""Doctor: which startup and shutdown code of an app will run, and which never will."""
