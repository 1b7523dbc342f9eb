"""The call model, pure: legs and calls, how the switch's facts become what is told, how a look at the switch repairs it."""
