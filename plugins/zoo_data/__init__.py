"""The kinds of data: photos, videos, shapes and digits on disk, and small worlds that are rendered."""
