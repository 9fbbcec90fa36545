"""What answers: name -> class."""

ENGINES = {
    "hf": "recusa.engines.hf:HF",
    "openai": "recusa.engines.openai:OpenAI",
    "scripted": "recusa.engines.scripted:Scripted",
}
