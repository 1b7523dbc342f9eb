"""The applications of the simulated dialplan: one file each, listed in ``table``."""
