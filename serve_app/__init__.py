"""Ray Serve deployments and the HTTP API, thin over `recsys`."""
