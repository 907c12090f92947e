"""A/B tests: who sees what, what came of it, and what may be concluded."""
