"""Defences that need no training, the operators that perturb a prompt, and the selectors that choose an answer."""

DEFENCES = {
    "perturbation": "recusa.defences.perturbation:Perturbation",
    "system-prompt": "recusa.defences.system_prompt:SystemPrompt",
}
OPERATORS = {
    "characters": "recusa.defences.characters:Characters",
    "paraphrase": "recusa.defences.paraphrase:Paraphrase",
    "resample": "recusa.defences.resample:Resample",
    "synonyms": "recusa.defences.synonyms:Synonyms",
}
SELECTORS = {
    "any-refusal": "recusa.defences.any_refusal:AnyRefusal",
    "bank": "recusa.defences.bank:BankSelector",
    "judge": "recusa.defences.judge:JudgeSelector",
    "majority": "recusa.defences.majority:Majority",
    "oracle": "recusa.defences.oracle:Oracle",
}
