"""A glossary, written with events: the app of the exercises."""
