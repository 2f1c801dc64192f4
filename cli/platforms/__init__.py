"""Clients of what the service is built and run on: Railway and GitHub. They only read."""
