"""The judges that can be named, each with the class that holds it."""

JUDGES = {
    "expressions": "recusa.judges.expressions:Expressions",
    "embedding": "recusa.judges.embedding:Embedding",
}
