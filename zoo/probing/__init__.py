"""Third parties' work is imported first in processes of its own: it may raise, never end, end its process or change it."""
