"""Pure: flows, their nodes, and the session that walks through them."""
