"""What `nb doctor` looks at, one module per group. A group returns its checks and raises nothing that it expects."""
