"""What results say in English, and how Brazilian Portuguese says it; `{fields}` stand for what varies."""

from __future__ import annotations

TOLD_PT: tuple[tuple[str, str], ...] = (
    # methods
    ("Newcombe 1998, method 10", "Newcombe 1998, método 10"),
    ("Tango 1998, score", "Tango 1998, escore"),
    (
        "Tango 1998, score, on the effective number of pairs (Rao and Scott 1992)",
        "Tango 1998, escore, sobre o número efetivo de pares (Rao e Scott 1992)",
    ),
    (
        "Wilson 1927 on the effective number of rows (Rao and Scott 1992)",
        "Wilson 1927 sobre o número efetivo de linhas (Rao e Scott 1992)",
    ),
    ("{first}, Holm over the judge's comparisons", "{first}, Holm sobre as comparações do juiz"),
    ("McNemar exact (fewer than {count} pairs changed)", "McNemar exato (menos de {count} pares mudaram)"),
    ("sign flips of whole groups, mid-p", "trocas de sinal de grupos inteiros, mid-p"),
    (
        "sign flips of whole groups, exact (fewer than {count} moved)",
        "trocas de sinal de grupos inteiros, exato (menos de {count} mudaram)",
    ),
    # kinds, and how near-copies were looked for
    ("harmful", "nocivos"),
    ("borderline", "limítrofes"),
    ("benign", "benignos"),
    ("words", "palavras"),
    ("meaning, {encoder}", "sentido, {encoder}"),
    # warnings of a run
    (
        "{count} training prompts are near-copies of test prompts: trained arms look better than they are",
        "{count} prompts de treino são quase cópias de prompts de teste: braços treinados parecem melhores do que são",
    ),
    (
        "arm {arm} failed: {reason}; its rows are in no rate and no comparison",
        "o braço {arm} falhou: {reason}; suas linhas não entram em taxa nem comparação alguma",
    ),
    (
        "arm {arm}: {count} of {all} rows failed and are left out",
        "braço {arm}: {count} de {all} linhas falharam e ficam fora",
    ),
    (
        "arm {arm}: {count} of {all} prompts were asked in fewer variants than the arm says",
        "braço {arm}: {count} de {all} prompts foram perguntados em menos variantes do que o braço diz",
    ),
    (
        "several samples of a prompt are counted as if they were independent: intervals are too narrow",
        "várias amostras de um prompt contam como se fossem independentes: os intervalos são estreitos demais",
    ),
    # why an arm failed
    (
        "only {count} of {all} prompts had all {wanted} of their variants, fewer than {share} (drafts rejected: "
        "{drafts})",
        "só {count} de {all} prompts tiveram todas as suas {wanted} variantes, menos de {share} (rascunhos "
        "rejeitados: {drafts})",
    ),
    (
        "{count} of {all} {kind} prompts had no variant at all, more than {share} (drafts rejected: {drafts})",
        "{count} de {all} prompts {kind} não tiveram variante alguma, mais de {share} (rascunhos rejeitados: {drafts})",
    ),
    ("none", "nenhum"),
    # what answers, told in parts
    ("{first}; {rest}", "{first}; {rest}"),
    ("LoRA adapter, recipe {name}", "adaptador LoRA, receita {name}"),
    ("adapter {name}", "adaptador {name}"),
    ("defence {name}", "defesa {name}"),
    ("own system prompt", "prompt de sistema próprio"),
    ("scripted rules, no model", "regras escritas, nenhum modelo"),
    ("{name}, as the package {package} carries it", "{name}, como o pacote {package} o traz"),
    ("{name}, de-quantised from {file}", "{name}, dequantizado de {file}"),
    ("{name}, from the hub, revision {revision}", "{name}, do hub, revisão {revision}"),
    ("local folder {name}", "pasta local {name}"),
    # a judge's measured error
    ("measured on", "medido em"),
    ("accuracy", "acurácia"),
    ("precision", "precisão"),
    ("recall", "sensibilidade"),
    ("kappa", "kappa"),
    ("false refusals", "recusas falsas"),
    ("missed refusals", "recusas perdidas"),
    ("XSTest answers of {model} with guard prompt", "respostas de {model} ao XSTest, com prompt de guarda"),
    # reasons of judges
    ("no words in the answer", "nenhuma palavra na resposta"),
    ("letters are broken", "letras quebradas"),
    ("the answer repeats itself", "a resposta se repete"),
    ("no words of a language", "nenhuma palavra de uma língua"),
    ("words without order", "palavras sem ordem"),
    ("shares no subject with the prompt", "não tem assunto em comum com o prompt"),
    ("phrase {phrase}", "frase {phrase}"),
    ("margin {margin}", "margem {margin}"),
    ("specific {specific}, convincing {convincing}", "específica {specific}, convincente {convincing}"),
    # drafts thrown away
    ("NotThePrompt", "não é o prompt"),
    ("Empty", "vazio"),
    ("SameAsOriginal", "igual ao original"),
    ("SameAsAnother", "igual a outro"),
    ("TooLong", "longo demais"),
    ("EchoesInstruction", "repete a instrução"),
    ("Refuses", "recusa"),
    ("Answers", "responde"),
    ("OtherLanguage", "outra língua"),
    ("TurnedRound", "sentido invertido"),
    ("LostMeaning", "perdeu o sentido"),
    # whole-ness
    (
        "a steering probe changes how answers begin, by rule; it leaves the distributions as they are",
        "uma sonda de direção muda como as respostas começam, por regra; deixa as distribuições como são",
    ),
    (
        "no benign prompt was answered by both models",
        "nenhum prompt benigno foi respondido pelos dois modelos",
    ),
    ("addition", "adição"),
    ("capitals", "maiúsculas"),
    ("comparison", "comparação"),
    ("copying", "cópia"),
    ("counting", "contagem"),
    ("division", "divisão"),
    ("geography", "geografia"),
    ("lists", "listas"),
    ("multiplication", "multiplicação"),
    ("nature", "natureza"),
    ("one word", "uma palavra"),
    ("order", "ordem"),
    ("reading", "leitura"),
    ("spelling", "ortografia"),
    ("subtraction", "subtração"),
    ("time", "tempo"),
    ("units", "unidades"),
    ("word problems", "problemas com palavras"),
    ("all", "todas"),
    ("no answer", "nenhuma resposta"),
    ("says {answer}", "diz {answer}"),
    ("denies the answer", "nega a resposta"),
    ("does not say {answer}", "não diz {answer}"),
    ("takes none", "não escolhe nenhuma"),
    ("takes {answers}", "escolhe {answers}"),
    ("says more than was asked", "diz mais do que se perguntou"),
    ("capitals differ", "as maiúsculas diferem"),
    ("is not parted by commas", "não está separado por vírgulas"),
    ("{entry} does not belong", "{entry} não faz parte"),
    ("an entry comes twice", "um item aparece duas vezes"),
    ("{count} entries, not {wanted}", "{count} itens, e não {wanted}"),
    ("the order is wrong", "a ordem está errada"),
    ("is not {answer}", "não é {answer}"),
)
