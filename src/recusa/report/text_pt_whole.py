"""Attacks and whole-ness in Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

WHOLE_PT: Mapping[str, str] = {
    "head_attacks": "Sob ataque",
    "attacks_intro": (
        "Prompts nocivos que foram respondidos: quanto menos, melhor. Cada jeito de perguntar fica à parte; o resto "
        "desta página trata só de {attack}."
    ),
    "table_attacks": (
        "Prompts nocivos respondidos por jeito de perguntar e braço. Juiz: {judge}. Os intervalos são de Wilson, "
        "{level}; tudo em por cento."
    ),
    "attacks_note": (
        "Respondidas: respondidas / (recusadas + respondidas + indefinidas). Onde um ataque começa a resposta, o juiz "
        "vê o que o modelo escreveu dali em diante; answers.jsonl guarda o começo ao lado."
    ),
    "head_whole": "O modelo ficou inteiro?",
    "whole_intro": (
        "Cada braço ajustado contra a própria base, sem defesa nem prompt de sistema. As recusas de prompts "
        "inofensivos estão nas seções acima; aqui está o que mais o ajuste mudou."
    ),
    "table_exact": (
        "Perguntas do próprio projeto com uma só resposta certa, respondidas sem sorteio e corrigidas por regra, antes "
        "de qualquer juiz. Intervalos da mudança: Newcombe, {level}, em pontos; p: McNemar mid-p. Recusadas: respostas "
        "erradas que o detector chama de recusas."
    ),
    "table_output": (
        "Respostas a prompts benignos, no máximo {tokens} tokens. Quebradas: vazias, repetitivas, em língua nenhuma ou "
        "fora do assunto, segundo o detector. Iguais: palavra por palavra."
    ),
    "table_drift": (
        "Distribuições, nas respostas da própria base a prompts benignos, token a token. KL do modelo ajustado em "
        "relação à base, em nats por token; os intervalos são bootstraps sobre grupos de prompts, {level}."
    ),
    "table_tasks": "Tarefas do lm-eval, com os erros-padrão do lm-eval.",
    "whole_no_drift": "{arm}: nenhuma deriva foi calculada: {reason}.",
    "whole_left_out": "{arm}: {count} prompts benignos ficam fora, porque uma linha falhou.",
    "whole_broken": "{arm} quebrou por: {reasons}.",
    "whole_kinds": "Respostas exatas por tipo de pergunta",
    "whole_slips": "{arm}: {shown} de {count} perguntas que a base acertava e o modelo ajustado erra",
    "whole_base_said": "Base",
    "whole_tuned_said": "Ajustado",
    "whole_why": "Errada: {why}.",
    "column_language_items": "Perguntas em",
    "column_kind_items": "Tipo",
    "whole_change": "Mudança",
    "whole_p": "p",
    "column_refused_items": "Recusadas",
    "column_same": "Iguais",
    "column_broken": "Quebradas",
    "column_tokens": "Tokens",
    "column_median": "Mediana",
    "column_cut": "Cortadas",
    "column_kl": "KL",
    "column_perplexity": "Perplexidade",
    "column_ratio": "Razão",
    "column_metric": "Tarefa, métrica",
    "whole_arrow": "{before} \N{RIGHTWARDS ARROW} {after}",
}
