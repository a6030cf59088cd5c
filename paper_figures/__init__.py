"""One script per figure, each ending in numbers that are checked."""
