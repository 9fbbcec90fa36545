"""The jobs: each a numbered list."""
