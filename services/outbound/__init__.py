"""The bank calls out: notifications ordered by its systems, dialled, played, and their outcome told."""
