"""Where prompts come from: name -> class."""

SOURCES = {
    "builtin": "recusa.sources.builtin:Builtin",
    "file": "recusa.sources.file:File",
    "hub": "recusa.sources.hub:Hub",
}
