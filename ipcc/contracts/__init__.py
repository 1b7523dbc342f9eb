"""The contract between services: frozen models of every event, command and administered object, and nothing else."""
