"""What figures of any system are drawn from: run where it is missing, kept, and found again."""
