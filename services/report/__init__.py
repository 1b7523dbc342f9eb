"""History: call detail, intervals, reports that add up."""
