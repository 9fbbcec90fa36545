"""Judges, split, training, sweeps and variants in Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping

EVIDENCE_PT: Mapping[str, str] = {
    "judge_primary": "principal",
    "judge_error": "Erro medido",
    "judge_unmeasured": "Erro: não medido. Ninguém comparou este juiz com rótulos humanos nesta execução.",
    "judge_settings": "Configurações",
    "people_labelled": "{answers} respostas desta execução foram rotuladas por {raters}.",
    "people_stale": (
        "Outros {stale} rótulos são de respostas que esta execução já não tem; os braços delas ficam sem estimativa."
    ),
    "people_none": (
        "Ninguém rotulou respostas desta execução. `recusa label` pede uma amostra aleatória; as taxas são então "
        "estimadas a partir dos rótulos humanos."
    ),
    "people_few_cell": "rótulos de menos",
    "people_stale_cell": "rótulos de outras respostas",
    "error_note": (
        "Faixa: os valores verdadeiros por trás dos do juiz, se ele errasse em cada braço tanto quanto em qualquer um "
        "de seus conjuntos rotulados (Rogan e Gladen; os braços podem errar de modo diferente). Pessoas: estimativas "
        "movidas a predição, a partir dos prompts rotulados, com intervalos de {level}; nenhuma com menos de {minimum} "
        "rótulos."
    ),
    "bounds_note": "Os limites contam cada resposta indefinida e cada linha que falhou de um jeito e do outro.",
    "error_rates": "Taxas de recusa e o erro do juiz, em por cento. Juiz: {judge}.",
    "error_changes": "Mudanças e o erro do juiz, em pontos percentuais. Juiz: {judge}.",
    "error_sets": "Em que o juiz {judge} foi medido: respostas de outros modelos, rotuladas por pessoas.",
    "error_agreement": (
        "Concordância dos juízes entre si e com pessoas, nas respostas desta execução, por recusada ou não."
    ),
    "error_agreement_arms": "Concordância dos juízes entre si e com pessoas, braço por braço.",
    "agreement_arms": "Braço por braço ({count} linhas)",
    "column_seen": "Juiz",
    "column_band": "Faixa",
    "column_survives": "Sinal",
    "sign_kept": "mantido",
    "sign_lost": "não mantido",
    "column_labelled": "Rotuladas",
    "column_errors": "Perdidas, falsas",
    "column_people": "Pessoas",
    "column_set": "Conjunto",
    "column_source": "Medido em",
    "column_sensitivity": "Sensibilidade",
    "column_specificity": "Especificidade",
    "set_unused": "sem informação, em nenhuma faixa",
    "column_two": "Juízes",
    "column_agreement": "Concordância",
    "column_kappa": "Kappa",
    "people_word": "pessoas",
    "two_judges": "{first} e {second}",
    "all_arms": "todos os braços",
    "split_intro": (
        "Os prompts foram divididos por grupo com a semente {seed}, {share} deles para teste; quase cópias, gêmeos e "
        "traduções ficam do mesmo lado."
    ),
    "split_table": "Prompts por tipo em cada lado da divisão, antes de qualquer juiz.",
    "split_train": "Treino",
    "split_test": "Teste",
    "audit_sources": "Fontes",
    "audit_read": "Prompts lidos",
    "audit_repeated": "Prompts repetidos reunidos",
    "audit_groups": "Grupos",
    "audit_joined": "Grupos reunidos por quase cópias",
    "audit_near": "Quase cópias procuradas por",
    "audit_copies": "Pares de quase cópias",
    "audit_largest": "Prompts no maior grupo",
    "audit_withdrawn": "Prompts de treino que são de teste, fora do treino",
    "audit_leaks": "Quase cópias através da divisão",
    "near_exact": "iguais",
    "near_form": "iguais salvo a forma",
    "near_words": "por palavras",
    "near_meaning": "por sentido",
    "leaks_shown": "{shown} de {count} quase cópias",
    "leaks_table": "Quase cópias através da divisão, antes de qualquer juiz.",
    "leak_train": "Prompt de treino",
    "leak_test": "Prompt de teste",
    "leak_sources": "De",
    "leak_near": "Como, semelhança",
    "training_none": "Nenhum braço foi treinado nesta execução.",
    "training_recipe": "Receita",
    "training_rows": "Linhas",
    "training_tokens": "Tokens treinados",
    "training_steps": "Passos",
    "training_loss": "Perda média, primeira e última",
    "training_time": "Tempo",
    "training_fingerprint": "Impressão digital",
    "training_example": "Uma linha de treino como o modelo a viu, com sua máscara",
    "training_settings": "Configurações",
    # sweeps
    "head_frontier": "A fronteira",
    "frontier_taken": (
        "{arm} é o braço a usar: foi o que mais recusou o nocivo entre os {count} braços dentro dos tetos ({caps}): "
        "{rates}."
    ),
    "frontier_over": (
        "Nenhum braço fica dentro dos tetos ({caps}). {arm} é o que menos passa deles, por {over} pontos ao todo: "
        "{rates}."
    ),
    "frontier_none": "Nenhum braço além da referência se sustenta; não há o que usar.",
    "frontier_cap": "{kind} +{points} pontos sobre {baseline}",
    "frontier_rate": "{kind} {count} ({percent}, {interval})",
    "frontier_rise": "{kind} {count} ({percent}; {points} pontos sobre {baseline}, {spread})",
    "frontier_sure": "Os intervalos de suas altas terminam dentro dos tetos.",
    "frontier_unsure": (
        "Os intervalos de suas altas passam dos tetos: com outros prompts destes tipos ele pode ficar acima deles."
    ),
    "frontier_rivals": (
        "Também dentro dos tetos, e sem que se mostre que recusam menos o nocivo: {arms}. O que mais importar pode "
        "decidir entre eles."
    ),
    "frontier_dominated": "Dominados; não há razão para usá-los: {arms}.",
    "frontier_by": "{arm} (por {others})",
    "frontier_by_chance": "{arm} (por {others}, dentro do erro)",
    "frontier_chosen_here": (
        "O braço foi escolhido por suas taxas nestes prompts, o que o favorece um pouco. Pergunte-lhe prompts que não "
        "escolheram nada antes de usá-lo."
    ),
    "table_frontier": (
        "Os braços da varredura: recusadas, com intervalos de {level}, tudo em por cento. Juiz: {judge}."
    ),
    "table_frontier_note": (
        "Acima: pontos pelos quais as altas sobre a referência passam dos tetos, ao todo. Atrás de: braços ao menos "
        "tão bons em todos os tipos e melhores em um; em negrito onde isso é mais que acaso (McNemar mid-p abaixo de "
        "{alpha}, Holm sobre {tests} pares de braços e tipos, e um intervalo pareado sem 0). Os treinos tiveram "
        "{budget}."
    ),
    "frontier_budget": "{count} tokens treinados cada um",
    "frontier_no_budget": "orçamentos próprios",
    "column_over": "Acima",
    "column_behind": "Atrás de",
    "column_standing": "Situação",
    "standing_recommended": "recomendado",
    "standing_least": "menos acima dos tetos",
    "standing_baseline": "referência",
    "standing_rival": "não se mostrou pior",
    "standing_frontier": "na fronteira",
    "standing_dominated": "dominado",
    "standing_failed": "falhou",
    "attacked_column": "Nocivos, {attack}",
    "figure_frontier_title": "O que custa recusar o nocivo, braço por braço",
    "figure_frontier_note": (
        "Cada número é um braço; o anel é o braço a usar, marcas vazadas são dominadas, cinza é a referência. Linhas "
        "em degraus: o melhor visto em cada painel. Pontilhado: o teto. Linhas finas: intervalos de Wilson de {level}. "
        "As escalas são esticadas para o canto em que só o nocivo é recusado. Juiz: {judge}."
    ),
    "frontier_across": "Prompts {kind} recusados, %",
    "frontier_up": "Prompts nocivos recusados",
    "cap_mark": "teto",
    "training_kept": "Checkpoint mantido",
    "kept_within": "passo {step} de {steps}: o que mais recusou o nocivo dentro dos tetos ({caps})",
    "kept_over": (
        "passo {step} de {steps}: nenhum cumpriu os tetos ({caps}); este, {over} pontos acima, foi o que mais recusou "
        "o nocivo, descontados os pontos acima"
    ),
    "kept_caps": "benignos +{benign}, limítrofes +{borderline} pontos sobre o modelo sem treino",
    "figure_checks_title": "Prompts reservados recusados durante o treino de {arm}",
    "figure_checks_note": (
        "Prompts de treino que foram reservados: {counts}; o passo 0 é o modelo sem treino, a linha pontilhada o "
        "checkpoint mantido. Respostas de no máximo {tokens} tokens, juiz: {by}. Eles escolheram o checkpoint, e por "
        "isso o favorecem."
    ),
    "described_check": "passo {step}: {rates}",
    # variants and failed arms
    "all_failed": "tudo falhou",
    "failed_arm": "braço que falhou",
    "arm_failed": "Braço que falhou: {reason}. Suas linhas não entram em taxa nem comparação alguma.",
    "alarm_failed": (
        "Braços que falharam, {count}: {arms}. Não conseguiram fazer suas variantes; suas linhas não entram em taxa "
        "nem comparação alguma."
    ),
    "try_rejected": "rascunhos descartados: {rejected}",
    "try_writing": "redator: {calls} chamadas, {tokens} tokens",
    "head_variants": "Variantes",
    "table_variants": (
        "O que os braços que pedem variantes fizeram e perguntaram, antes de qualquer juiz deste relatório."
    ),
    "table_variants_note": (
        "Variantes válidas: de todas as desejadas. Inteiros: prompts com todas as variantes. Próprio prompt: respostas "
        "que são as do próprio prompt. Chamadas e tokens são o que o braço pede por si só, médias por prompt; a "
        "execução dividiu chamadas entre braços. Rejeitados: rascunhos descartados e refeitos, por motivo."
    ),
    "column_whole": "Inteiros",
    "column_itself": "Próprio prompt",
    "column_writer_calls": "Chamadas do redator por prompt",
    "column_writer_tokens": "Tokens do redator por prompt",
    "column_rejected": "Rejeitados",
    "tries_shown": "{shown} de {count} respostas são listadas com suas tentativas; answers.jsonl tem todos.",
}
