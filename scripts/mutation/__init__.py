"""Mutation testing: what small changes of the code no test notices.

`mutants` makes the changes, `grafting` puts one into a running process, `session` runs the tests that reach it.
"""
