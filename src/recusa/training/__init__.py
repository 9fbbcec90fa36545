"""Training recipes: name -> class."""

RECIPES = {
    "balanced": "recusa.training.balanced:Balanced",
    "probe": "recusa.training.probe:Probe",
    "recovery": "recusa.training.recovery:Recovery",
    "refusal": "recusa.training.refusal:Refusal",
    "reroute": "recusa.training.reroute:Reroute",
}
