"""Pure: intervals and the definitions of every measure."""
