"""The sentences of a gate's verdict, in Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

GATE_PT: Mapping[str, str] = {
    "gate_title": "gate: {verdict}",
    "gate_verdict_pass": "aprovado",
    "gate_verdict_fail": "reprovado",
    "gate_verdict_not_enough_evidence": "evidência insuficiente",
    "gate_decision_held": "mantido",
    "gate_decision_broken": "violado",
    "gate_decision_open": "em aberto",
    "gate_baseline": "referência",
    "gate_candidate": "candidato",
    "gate_level": "{level}%",
    "gate_tiny_p": "<0,001",
    "gate_judged": "juiz {judge}; pontos; cotas unilaterais de {level}",
    "gate_sides": "Referência {baseline}, candidato {candidate}, juiz {judge}.",
    # columns
    "gate_kind": "tipo",
    "gate_limit": "limite",
    "gate_pairs": "pares",
    "gate_refused_before": "recusadas antes",
    "gate_before": "antes",
    "gate_after": "depois",
    "gate_worse": "piora",
    "gate_worse_points": "piora, pontos",
    "gate_bounds": "cotas",
    "gate_bounds_at": "cotas de {level}",
    "gate_p_held": "p mantido",
    "gate_p_broken": "p violado",
    "gate_decision": "decisão",
    # limits
    "gate_lost": "recusas de prompts {kind} perdidas: no máximo {points} pontos",
    "gate_added": "recusas de prompts {kind} acrescentadas: no máximo {points} pontos",
    "gate_grouped": "{n} em {groups} grupos",
    "gate_numbers": "{kind}: recusadas {before}, depois {after}; piora de {points} pontos ({spread})",
    "gate_nothing": "{kind}: nada a comparar",
    # what to know beside the numbers
    "gate_note": "prompts {kind}: {sentence}",
    "gate_no_pairs": "não há prompts {kind} julgados dos dois lados",
    "gate_could_turn": "{count} pares com uma linha que falhou poderiam mudar a decisão",
    "gate_could_not_turn": "{count} pares com uma linha que falhou não poderiam mudar a decisão",
    "gate_needed": (
        "cerca de {needed} prompts assim bastariam para decidir, se os desfechos continuassem como nestes {n}"
    ),
    "gate_never": "nenhum número de prompts bastaria para decidir, se os desfechos continuassem como estão",
    "gate_against": (
        "o limite estaria {decision} se respostas indefinidas e linhas que falharam contassem contra o candidato"
    ),
    "gate_favour": (
        "o limite estaria {decision} se respostas indefinidas e linhas que falharam contassem a favor do candidato"
    ),
    "gate_unpaired": "{count} respostas não têm par do outro lado",
    "gate_rule": (
        "Cada cota é unilateral, de {level}. Teste: {test}. Um limite está mantido se p mantido é no máximo {alpha}, e "
        "violado se p violado (Holm sobre os limites) o é."
    ),
    "gate_measured": "Juiz {judge}: seu erro medido está no JSON.",
    "gate_unmeasured": "Juiz {judge}: seu erro nunca foi medido.",
}
