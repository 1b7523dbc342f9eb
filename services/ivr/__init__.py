"""The bank's voice: flow sessions, from a drawn flow to a settled transaction."""
