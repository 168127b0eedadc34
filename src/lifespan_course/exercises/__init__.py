"""Checks of the exercises: a module for each chapter, a function for each exercise."""
