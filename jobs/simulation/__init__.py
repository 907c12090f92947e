"""A simulated shop over real HTTP: traffic, the check of its answers, and what came of it."""
