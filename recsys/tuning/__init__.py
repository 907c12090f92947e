"""Searching settings: what is tried, what each trial comes to, and what the best is worth."""
