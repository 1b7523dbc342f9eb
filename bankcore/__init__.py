"""A stand-in for the bank's core systems, behind a published contract (docs/bankcore.openapi.yaml)."""
