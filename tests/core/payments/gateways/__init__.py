"""What every gateway has to keep, and what each one has of its own."""
