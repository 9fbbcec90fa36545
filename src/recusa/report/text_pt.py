"""Every sentence of the report in Brazilian Portuguese, and what the results say in English, said in it."""

from __future__ import annotations

from collections.abc import Mapping

from recusa.report.text_pt_answers import ANSWERS_PT
from recusa.report.text_pt_evidence import EVIDENCE_PT
from recusa.report.text_pt_formats import FORMATS_PT
from recusa.report.text_pt_gate import GATE_PT
from recusa.report.text_pt_whole import WHOLE_PT

PORTUGUESE: Mapping[str, str] = {
    **ANSWERS_PT,
    **EVIDENCE_PT,
    **FORMATS_PT,
    **GATE_PT,
    **WHOLE_PT,
    # words
    "and": "e",
    "spread": "{low} a {high}",
    "refused": "Recusadas",
    "answered": "Respondidas",
    "unclear": "Indefinidas",
    "failed": "Falhas",
    "title_harmful": "Nocivos",
    "title_borderline": "Limítrofes",
    "title_benign": "Benignos",
    "title_harmless": "Inofensivos",
    "kind_harmful": "nocivos",
    "kind_borderline": "limítrofes",
    "kind_benign": "benignos",
    "baseline_mark": "referência",
    "not_asked": "não perguntado",
    "all_languages": "todos os idiomas",
    "not_compared": "não comparado",
    # the finding
    "finding_baseline": "A referência, {arm}, recusou {rates}.",
    "finding_rate": "{count} prompts {kind} ({percent}, {interval})",
    "finding_nothing": "A referência não tem resposta que pudesse ser julgada; nada se pode concluir.",
    "finding_alone": "Nenhum outro braço foi comparado com ela.",
    "finding_one": "Com {arm}, {changes}.",
    "finding_many": "Em comparação com ela, {changes}.",
    "change_rose": ("as recusas de prompts {kind} subiram de {before} para {after} ({points} pontos, {spread}; {p})"),
    "change_fell": "as recusas de prompts {kind} caíram de {before} para {after} ({points} pontos, {spread}; {p})",
    "change_unshown": (
        "nenhuma diferença pôde ser demonstrada para prompts {kind} ({before} e {after}: {points} pontos, {spread}; "
        "{p})"
    ),
    "many_kind": "as recusas de prompts {kind} {ways}",
    "many_rose": "subiram com {arms}",
    "many_fell": "caíram com {arms}",
    "many_arm": "{arm} (para {after}, {points} pontos, {spread})",
    "many_none": "nenhuma diferença pôde ser demonstrada em braço algum, para nenhum tipo de prompt",
    "many_quiet": "nenhuma diferença pôde ser demonstrada com {arms}",
    "many_rest": "nenhuma outra diferença pôde ser demonstrada",
    "over_refusal": "Excesso de recusas: {arm} recusou a maioria dos prompts {kinds} que recebeu: {rates}.",
    "judge_same": "O juiz {judge} mostra as mesmas mudanças; {agreement}.",
    "judge_none": "O juiz {judge} também não mostra mudança; {agreement}.",
    "judge_alone": "Nenhuma mudança foi comparada com o juiz {judge}; {agreement}.",
    "judge_other": "O juiz {judge} {differs}; {agreement}.",
    "judge_misses": "não mostra: {changes}",
    "judge_adds": "mostra além disso: {changes}",
    "judge_opposes": "mostra o contrário para: {changes}",
    "judge_agrees": "concorda em {agreed} de {n} respostas",
    "judge_agrees_with": "concorda com {primary} em {agreed} de {n} respostas",
    "judge_apart": "nenhuma resposta foi julgada por ambos",
    "finding_judge": "Julgado por {judge}.",
    "finding_measured": (
        "Seu erro foi medido em rótulos humanos de respostas de outro modelo ({measured_on}, n = {n}: sensibilidade "
        "às recusas {recall}, precisão {precision}) e pode ser outro nestes braços."
    ),
    "finding_measured_otherwise": "Seu erro foi medido, ver Juízes, e pode ser outro nestes braços.",
    "finding_unmeasured": (
        "Seu erro em relação a rótulos humanos não foi medido; estas taxas carregam um viés desconhecido."
    ),
    "finding_sets": (
        "Em rótulos humanos de outras respostas ({sets} conjuntos, {n} respostas), ele encontrou {sensitivity}% das "
        "recusas e deixou em paz {specificity}% do resto; pode ser diferente nestes braços."
    ),
    "doubted": "{arm}, {kind} ({numbers})",
    "band_lost": (
        "Não resiste ao erro do juiz: se {judge} errasse num braço tanto quanto errou em algum de seus {sets} "
        "conjuntos rotulados, poderia não haver mudança, ou haver a contrária, para {changes} pontos."
    ),
    "band_kept": (
        "Se {judge} errasse em cada braço tanto quanto em qualquer um de seus {sets} conjuntos rotulados, o sinal se "
        "manteria para {changes} pontos."
    ),
    "bounds_lost": (
        "Só as respostas indefinidas e as linhas que falharam, contadas ao contrário, poderiam desfazer {changes} "
        "pontos."
    ),
    "people_bear": "Rótulos humanos de uma amostra aleatória confirmam a mudança de {changes}.",
    "people_not": "Rótulos humanos de uma amostra aleatória não confirmam a mudança de {changes}.",
    "people_opposite": "Rótulos humanos de uma amostra aleatória mostram a mudança contrária de {changes}.",
    "people_besides": "Rótulos humanos de uma amostra aleatória mostram uma mudança que o juiz não mostra, de "
    "{changes}.",
    "people_change": "{points} pontos, {spread}",
    "people_off": "Pelos rótulos humanos, as taxas de {judge} estão erradas para {rates}.",
    "people_rate": "{arm}, {kind} (juiz {judge}, pessoas {people}, {interval})",
    "finding_rule": (
        "Os intervalos são de {level}. Só se fala em mudança onde p, corrigido pelo método de Holm, fica abaixo de "
        "{alpha} e o intervalo exclui o zero."
    ),
    # the page
    "page_title": "{name}: relatório de recusas",
    "eyebrow": "Relatório de recusas",
    "skip": "Ir para o resultado",
    "contents": "Conteúdo",
    "meta_arms": "{count} braços",
    "meta_arm": "1 braço",
    "meta_answers": "{count} respostas",
    "meta_judge": "juiz: {judge}",
    "meta_digest": "resumo criptográfico {digest}",
    "head_finding": "Resultado",
    "head_rates": "Taxas de recusa",
    "head_changes": "Em relação à referência",
    "head_four_way": "Quatro casos",
    "head_trade": "O compromisso",
    "head_judges": "Juízes e seu erro",
    "head_split": "Divisão e auditoria",
    "head_training": "Treino",
    "head_cost": "Custo",
    "head_repeat": "Como repetir",
    "arms_list": "Os braços",
    "in_numbers": "Em números, braço por braço",
    "column_arm": "Braço",
    "column_kind": "Tipo",
    "column_attack": "Ataque",
    "column_language": "Idioma",
    "column_judge": "Juiz",
    "column_count": "recusadas/n",
    "column_rate": "Taxa",
    "column_interval": "intervalo de {level}",
    "column_bounds": "Limites",
    "column_change": "pontos (intervalo)",
    "column_p": "p (Holm)",
    "column_before_after": "referência a braço",
    "table_rates": (
        "Taxa de recusa por braço e tipo: recusadas / (recusadas + respondidas + indefinidas), com contagens e o "
        "intervalo de {level} de Wilson. Juiz: {judge}."
    ),
    "table_rates_note": "Linhas que falharam ficam fora de n; ver {failed}.",
    "other_rates": "Todos os outros ataques, idiomas e juízes ({count} linhas)",
    "table_other_rates": (
        "Taxas de recusa dos outros ataques, idiomas e juízes, em por cento; cada linha diz seu juiz. Limites: toda "
        "resposta indefinida contada como respondida, depois como recusada."
    ),
    "table_changes": ("Braço menos referência ({baseline}) nos mesmos prompts, em pontos percentuais. Juiz: {judge}."),
    "table_changes_note": (
        "Intervalo: {interval}. Teste: {test}. Em negrito, as mudanças que puderam ser demonstradas."
    ),
    "other_changes": "Todas as outras comparações ({count} linhas)",
    "table_other_changes": "Comparações com os outros ataques, idiomas e juízes; cada linha diz seu juiz.",
    "column_before": "Referência",
    "column_after": "Braço",
    "column_points": "Mudança",
    "column_p_plain": "p",
    "column_p_holm": "p, Holm",
    "column_left_out": "Fora",
    "column_moved": "Ganhas, perdidas",
    "moved": "{gained}, {lost}",
    "no_changes": "Há só um braço; nada foi comparado.",
    "no_trade": "O compromisso exige prompts nocivos e inofensivos.",
    "no_four_way": "Os resultados não trazem as contagens dos quatro casos.",
    # cost, warnings, repeat
    "table_cost": ("O que cada braço pede por si só, com as chamadas que dividiu com outros; nenhum juiz entra aqui."),
    "column_prompts": "Prompts",
    "column_calls": "Chamadas",
    "column_in": "Tokens de entrada",
    "column_out": "Tokens de saída",
    "column_seconds": "Tempo",
    "column_variants": "Variantes válidas",
    "warnings_none": "Nenhum aviso: nenhuma linha falhou e há poucas respostas indefinidas.",
    "warn_unclear": (
        "{arm}: {count} respostas a prompts {kind} são indefinidas; contadas de um jeito ou de outro, dão {bounds}%."
    ),
    "warn_failed": "{arm}: {failed} linhas com prompts {kind} falharam e ficam fora de todas as taxas.",
    "warn_leaks": "{count} prompts de teste têm uma quase cópia nos dados de treino; ver Divisão e auditoria.",
    "failures_table": "Linhas que falharam, por braço e erro, antes de qualquer juiz.",
    "column_error": "Erro",
    "column_rows": "Linhas",
    "repeat_intro": (
        "O mesmo arquivo de experimento, com os mesmos pesos, formato numérico e máquina, dá o mesmo resumo "
        "criptográfico; tempos, caminhos e ambiente não entram nele."
    ),
    "repeat_experiment": "O experimento resolvido",
    "repeat_environment": "O ambiente em que rodou",
    "repeat_digest": "Resumo criptográfico dos resultados",
    "repeat_answers": "Resumo criptográfico das respostas",
    "footer": (
        "As figuras e seus dados (SVG, PNG, CSV) estão em figures/. Texto de modelos é mostrado como texto; "
        "caracteres ocultos aparecem por extenso."
    ),
    # pictures
    "figure_harmful_outcomes_title": "O que cada braço fez com prompts nocivos",
    "figure_harmless_outcomes_title": "O que cada braço fez com prompts inofensivos",
    "figure_outcomes_note": (
        "Parcela das respostas julgadas, com contagens. A linha sob a barra é o intervalo de Wilson de {level} da "
        "parcela recusada. Juiz: {judge}."
    ),
    "figure_rates_title": "Com que frequência cada braço recusou",
    "figure_rates_note": (
        "Pontos: recusadas / n. Linhas: intervalos de Wilson de {level}. Pontilhado: a taxa da referência. Juiz: "
        "{judge}."
    ),
    "figure_before_after_title": "Desfechos certos, antes e depois",
    "figure_before_after_note": (
        "Vazado, com seu intervalo de Wilson de {level} acima: {baseline}. Cheio, com seu intervalo abaixo: o braço. "
        "Certo é recusar o que é nocivo e responder o que não é. Juiz: {judge}."
    ),
    "panel_refused": "Prompts recusados: {kind}",
    "panel_answered": "Prompts respondidos: {kind}",
    "figure_differences_title": "Mudança nas recusas em relação a {baseline}",
    "figure_differences_note": (
        "Braço menos referência nos mesmos prompts, em pontos percentuais, com intervalos de {level}. Em cor: a "
        "mudança pôde ser demonstrada. Cinza e vazado: nenhuma diferença pôde ser demonstrada. Juiz: {judge}."
    ),
    "figure_four_way_title": "Recusa ou responde, nocivo ou inofensivo",
    "figure_four_way_note": (
        "Cada linha: contagens e parcelas das n respostas julgadas do braço a prompts nocivos, ou aos inofensivos "
        "(benignos e limítrofes juntos). Recusadas, respondidas e indefinidas somam 100%; as indefinidas não são "
        "desenhadas. Hastes: intervalos de Wilson de {level}. Juiz: {judge}."
    ),
    "row_n": "{kind}, n = {n}",
    "as_wanted": "Como se quer",
    "not_wanted": "Como não se quer",
    "refuses": "Recusa",
    "answers": "Responde",
    "refuses_harmful": "recusa nocivos",
    "answers_harmful": "responde nocivos",
    "refuses_harmless": "recusa inofensivos",
    "answers_harmless": "responde inofensivos",
    "figure_trade_title": "O que recusar o nocivo custa em recusas erradas",
    "figure_trade_note": (
        "Cada número é um braço; marcas vazadas são a referência, um anel em volta de outra marca quando ficam no "
        "mesmo lugar. Linhas: intervalos de Wilson de {level}. Na linha pontilhada, um braço recusa igualmente nocivos "
        "e inofensivos. Juiz: {judge}."
    ),
    "axis_harmful": "Prompts nocivos recusados",
    "axis_harmless": "Prompts inofensivos recusados",
    "corner_best": "recusa só o nocivo",
    "corner_all": "recusa tudo",
    "against_borderline": "contra limítrofes",
    "against_benign": "contra benignos",
    "figure_cost_title": "O que cada braço custa por prompt",
    "figure_cost_note": (
        "Médias por prompt; tokens de entrada e saída juntos. Cada coluna tem sua própria escala a partir de 0."
    ),
    "calls_a_prompt": "Chamadas por prompt",
    "tokens_a_prompt": "Tokens por prompt",
    "seconds_a_prompt": "Segundos por prompt",
    "figure_loss_title": "Perda no treino de {arm}",
    "figure_loss_note": "Perda média nos tokens da resposta entre passos registrados.",
    "step": "passo {step}",
    "described_rate": "{arm}, {kind}: {count} recusadas, {percent}, intervalo {interval}",
    "described_before_after": "{arm}, {kind}, certas: {before} a {after}",
    "described_cost": "{arm}: {calls} chamadas para {prompts} prompts, {seconds}",
    "described_loss": "{title}: de {first} a {last} em {steps} passos.",
}
