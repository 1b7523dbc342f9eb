"""Pure: what makes a recording a good one, and where it is kept."""
