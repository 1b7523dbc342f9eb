"""Pure: the board as a fold of events, and the invariants watched over the same events."""
