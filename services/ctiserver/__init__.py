"""ctiserver: the one ear on the switches; tells calls, legs and phones, serves agents' desktops."""
