"""Defences that need no training, the operators that perturb a prompt, and the selectors that choose an answer."""

DEFENCES = {
    "perturbation": "recusa.defences.perturbation:Perturbation",
    "system-prompt": "recusa.defences.system_prompt:SystemPrompt",
}
OPERATORS = {
    "synonyms": "recusa.defences.synonyms:Synonyms",
}
SELECTORS = {
    "any-refusal": "recusa.defences.any_refusal:AnyRefusal",
    "bank": "recusa.defences.bank:BankSelector",
    "oracle": "recusa.defences.oracle:Oracle",
}
