"""Frozen measuring protocols, and the runner that writes their tables."""
