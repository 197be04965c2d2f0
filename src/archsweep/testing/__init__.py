"""What generated test files call. Stands beside the commands."""
