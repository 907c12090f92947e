"""Command line and jobs: parse arguments, make a config, one call, exit code."""
