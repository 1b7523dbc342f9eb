"""FreeSWITCH: bytes and commands as values (pure), one port to command and hear switches, and what stands behind it."""
