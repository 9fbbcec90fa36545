"""`python -m recusa`."""

from recusa.cli import main

main()
