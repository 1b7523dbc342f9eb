"""The live picture: boards, alerts, wallboard, metrics."""
