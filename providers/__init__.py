"""Clients of AI services. They take and return plain typed values and know nothing of the rest of the project."""
