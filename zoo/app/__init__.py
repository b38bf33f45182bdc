"""The page to play with, in a browser: what it offers, what it draws, what it looks like, and how it is served."""
