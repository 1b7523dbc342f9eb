"""The simulated switch: a pure engine held to recordings of FreeSWITCH, behind a real event socket."""
