"""What a catalog of any size costs: a model fitted to measured sizes, and a simulated cluster."""
