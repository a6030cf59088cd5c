"""Hamiltonians: one file each, giving energy, force, start and invariants."""
