"""The judges that can be named, each with the class that holds it."""

JUDGES = {
    "expressions": "recusa.judges.expressions:Expressions",
    "guard": "recusa.judges.guard:Guard",
    "rubric": "recusa.judges.rubric:Rubric",
    "embedding": "recusa.judges.embedding:Embedding",
}
