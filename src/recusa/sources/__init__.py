"""Where prompts come from: name -> class."""

SOURCES = {
    "builtin": "recusa.sources.builtin:Builtin",
    "contrast": "recusa.sources.contrast:Contrast",
    "file": "recusa.sources.file:File",
    "hub": "recusa.sources.hub:Hub",
}
