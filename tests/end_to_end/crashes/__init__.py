"""Processes die while jobs run."""
