"""Pure: what an attempt's end means, and when the next one may be."""
