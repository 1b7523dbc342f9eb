"""The api commands that act on channels; commands that concern none are in ``ipcc.sim.api_text``."""
