"""Pictures, figures and reports."""
