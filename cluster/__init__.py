"""How the domain runs on Ray: stores, actors, Ray Data plans."""
