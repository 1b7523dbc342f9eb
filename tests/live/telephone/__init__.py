"""A small SIP and RTP telephone for the live tests: registers, calls, answers, refuses, keys digits (RFC 4733), hears tones."""
