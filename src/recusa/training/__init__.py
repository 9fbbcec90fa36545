"""Training recipes: name -> class."""

RECIPES = {
    "balanced": "recusa.training.balanced:Balanced",
    "refusal": "recusa.training.refusal:Refusal",
}
