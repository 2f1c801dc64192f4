"""What is deployed where: what the platform says, what the running code says, and why the two may differ."""
