"""The middleware servers; each is its own process and they never import one another."""
