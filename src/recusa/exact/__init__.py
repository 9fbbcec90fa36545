"""Questions with one right answer, to see whether a tuned model still thinks: items and how answers are marked."""
