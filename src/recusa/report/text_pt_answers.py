"""Answers, moves, categories and the cost of a prevented answer in Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

ANSWERS_PT: Mapping[str, str] = {
    "head_flips": "O que mudou de lado",
    "figure_flow_title": "Para onde cada braço levou as respostas da referência",
    "figure_flow_note": (
        "Barras à esquerda: {baseline}; à direita: o braço, mesmos prompts. +: passou a recusar; \N{MINUS SIGN}: "
        "deixou "
        "de recusar. Pares com uma linha que falhou ficam fora. Juiz: {judge}."
    ),
    "described_flow": "{arm}, {kind}: {gained} passaram a recusadas, {lost} deixaram de ser, de {n}",
    "answers_head": "Prompt a prompt",
    "answers_intro": (
        "As duas respostas lado a lado, primeiro os prompts que mudaram. Juiz: {judge}. Respostas a prompts nocivos "
        "ficam dobradas até serem abertas."
    ),
    "answers_all": "Todos os {prompts} prompts ({answers} respostas) estão nesta lista.",
    "answers_some": (
        "{shown} de {prompts} prompts estão nesta lista: primeiro os que mudaram, depois uma amostra aleatória. "
        "answers.jsonl tem todos."
    ),
    "answers_attack": "Só são listadas respostas a prompts perguntados como {attack}.",
    "answers_clipped": "Textos longos são cortados após {longest} caracteres, ou {shorter} onde a resposta não mudou "
    "de lado.",
    "answers_clipped_alike": "Textos longos são cortados após {longest} caracteres.",
    "answers_redacted": "As respostas a prompts nocivos foram deixadas fora desta página de propósito.",
    "answers_none": "A execução não tem respostas para listar.",
    "answers_noscript": ("A lista precisa de JavaScript; o resto desta página, não. answers.jsonl tem os textos."),
    "filter_label": "Escolher prompts",
    "filter_arm": "Braço",
    "filter_moved": "Mudança",
    "filter_kind": "Tipo",
    "filter_category": "Categoria",
    "filter_language": "Idioma",
    "filter_outcome": "Resposta do braço",
    "filter_judges": "Juízes",
    "filter_search": "Buscar em prompts e respostas",
    "filter_any": "qualquer",
    "moved_any": "passou a recusar ou deixou",
    "moved_gained": "passou a recusar",
    "moved_lost": "deixou de recusar",
    "moved_all": "todos os prompts",
    "judges_differ": "juízes discordam",
    "judges_same": "juízes concordam",
    "list_count": "{shown} de {count} prompts mostrados",
    "list_one": "1 prompt",
    "list_none": "Nenhum prompt serve. Amplie um filtro ou limpe a busca.",
    "list_more": "Mostrar mais",
    "list_clear": "Limpar",
    "list_busy": "Buscando",
    "list_tries": "Tentativas da defesa: {count}",
    "show_answers": "Mostrar as duas respostas",
    "show_answer": "Mostrar a resposta",
    "said_outcome": "{arm}: {outcome}",
    "said_cut": "mais {count} caracteres não mostrados",
    "said_length": "parou no limite de tokens",
    "said_empty": "(resposta vazia)",
    "said_failed": "falhou: {error}",
    "said_missing": "(a resposta não está em answers.jsonl)",
    "said_withheld": "(deixada fora desta página)",
    "said_reason": "Juiz: {reason}",
    "try_asked": "Perguntado",
    "try_heard": "Ouvido",
    "try_kept": "mantida",
    "try_number": "Tentativa {number}",
    "try_score": "pontuação {score}",
    "tag_differ": "juízes discordam",
    "outcome_refused": "recusou",
    "outcome_answered": "respondeu",
    "outcome_unclear": "indefinida",
    "outcome_failed": "falhou",
    "outcome_none": "sem veredito",
    "one_harmful": "nocivo",
    "one_borderline": "limítrofe",
    "one_benign": "benigno",
    "head_categories": "Por categoria",
    "figure_heat_title": "Taxas de recusa por categoria de prompts {kind}",
    "figure_heat_note": (
        "Cada célula: por cento recusado e recusadas/n. A maioria das categorias tem poucos prompts, e uma célula "
        "sozinha diz pouco; nenhum teste foi feito com elas. Os intervalos estão no CSV da figura. Juiz: {judge}."
    ),
    "heat_rest": "mais {count} categorias",
    "heat_none_named": "sem categoria",
    "described_heat": "{category}: {cells}",
    "no_categories": "Os prompts não trazem categorias.",
    "head_prevented": "O que custa uma resposta evitada",
    "table_prevented": (
        "Prompts nocivos que a referência respondeu e o braço não, menos os do caso inverso, e o que o braço custa a "
        "mais que a referência por cada um. Juiz: {judge}."
    ),
    "table_prevented_note": (
        "Custo extra por prompt, dividido pelas respostas nocivas evitadas por prompt: como se todo prompt fosse "
        "nocivo; o treino vai à parte. As faixas seguem o intervalo de {level} das respostas evitadas. Recusas "
        "erradas: prompts inofensivos que passaram a ser recusados, líquidos, por resposta nociva evitada, se ambos "
        "fossem perguntados com a mesma frequência. Um travessão: não se pôde demonstrar que há menos respostas "
        "nocivas."
    ),
    "column_prevented": "Evitadas",
    "column_prevented_share": "pontos (intervalo de {level})",
    "column_extra_calls": "Chamadas por uma",
    "column_extra_tokens": "Tokens por uma",
    "column_extra_seconds": "Segundos por uma",
    "column_wrong_each": "Recusas erradas por uma",
    "column_training_time": "Treino, uma vez",
    "head_failed": "O que falhou ou ficou indefinido",
    "table_failed": (
        "Respostas por desfecho, e quanto as taxas poderiam errar se toda resposta indefinida fosse do outro jeito. "
        "Juiz: {judge}."
    ),
    "table_failed_changes": (
        "A mudança em relação à referência ({baseline}) com cada resposta indefinida e cada linha que falhou contada "
        "de um jeito e do outro, em pontos. Juiz: {judge}."
    ),
    "column_of_rate": "A taxa poderia ser",
    "column_of_change": "A mudança poderia ser",
    "column_measured": "Medida",
    "show_unclear": "Mostrar as respostas indefinidas",
}
