"""Tables of a bench: rows, who is tied with the best, ranks, and how they are shown."""
