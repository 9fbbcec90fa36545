"""Weights, chat template, embedder and machine: what engines, defences, judges and training share."""
