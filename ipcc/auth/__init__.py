"""Who is asking, and may he: bearer tokens, roles, and the guard in front of every route."""
