"""Third parties' work is tried in processes of its own, before any of it is imported here.

Importing somebody's package runs their code, which may raise, never end, end the process or change it. So it is imported
first where it can do no harm; the outcome is kept, and others need not import it to know.
"""
