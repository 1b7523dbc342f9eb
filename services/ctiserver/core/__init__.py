"""Pure decisions of ctiserver; the call model itself is ipcc.call."""
