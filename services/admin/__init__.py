"""admin: what the bank administers, its versions and who changed it; see README.md."""
