"""The judges that can be named, each with the class that holds it."""

DEFAULT = "detector"
JUDGES = {
    "expressions": "recusa.judges.expressions:Expressions",
    "guard": "recusa.judges.guard:Guard",
    "rubric": "recusa.judges.rubric:Rubric",
    "detector": "recusa.judges.detector:Detector",
    "embedding": "recusa.judges.embedding:Embedding",
}
