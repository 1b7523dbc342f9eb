"""acd: who serves whom. The only writer of agents' states, queue entries and offers."""
