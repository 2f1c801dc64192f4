"""Proofs that take minutes: the whole product under load while its parts die."""
