"""Pure decisions of acd: no await, no clock, no chance, no input or output."""
