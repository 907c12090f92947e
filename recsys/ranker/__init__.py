"""A learned order of the candidates of all signals, kept only where it beats their weighted sum."""
