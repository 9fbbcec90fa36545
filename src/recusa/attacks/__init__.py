"""Ways of asking: name -> class."""

ATTACKS = {
    "direct": "recusa.attacks.direct:Direct",
    "prefill": "recusa.attacks.prefill:Prefill",
}
