"""Schema history, applied by `nb db migrate`."""
