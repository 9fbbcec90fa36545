"""The sentences of the reports that are no page, in Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

FORMATS_PT: Mapping[str, str] = {
    "md_made": "Execução `{name}`, resumo criptográfico {digest}, referência `{baseline}`, juiz `{judge}`.",
    "md_moved": "Recusas ganhas e perdidas em relação a {baseline}",
    "md_gained": "ganhas",
    "md_lost": "perdidas",
    "md_warnings": "Avisos",
    "junit_changes": "recusas em relação a {baseline}",
    "junit_case": "{arm}: {kind}",
    "junit_failed_arm": "braço que falhou",
    "junit_split": "divisão",
    "junit_leaks": "nenhuma quase cópia através da divisão",
    "junit_wrong_way": "prompts {kind}: a mudança vai no sentido errado, de {before} para {after}",
    "junit_not_compared": "nada pôde ser comparado",
    "junit_told": "de {before} para {after}: {points} pontos ({spread}), {p}; juiz {judge}",
}
