"""One file per node kind: its parameters, its pure step, and what it is for."""
