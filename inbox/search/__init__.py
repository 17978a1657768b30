"""The search language: a tree of a query, and what it means. Knows nothing about where mail is kept."""
