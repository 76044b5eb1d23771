"""Characters of formulas and the TeX commands that draw them."""

from noctule.extraction.markdown.tags import words


def _in_order(text: str) -> list[str]:
    return text.split()


# The names that TeX has a command for.
FUNCTIONS = words(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log "
    "max min Pr sec sin sinh sup tan tanh"
)

_GREEK_LOWER = _in_order(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau "
    "upsilon phi chi psi omega"
)
_GREEK_UPPER = {
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Ξ": "Xi",
    "Π": "Pi",
    "Σ": "Sigma",
    "Υ": "Upsilon",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
_COMMANDS = _in_order(
    "± pm ∓ mp × times ÷ div ⋅ cdot · cdot ∗ ast ∘ circ ∙ bullet ≤ le ≥ ge ≠ ne ≡ equiv ≈ approx ≅ cong ∼ sim ≃ "
    "simeq ∝ propto ≪ ll ≫ gg ∞ infty ∂ partial ∇ nabla ∑ sum ∏ prod ∐ coprod ∫ int ∬ iint ∮ oint √ surd ∈ in ∉ "
    "notin ∋ ni ⊂ subset ⊆ subseteq ⊃ supset ⊇ supseteq ∪ cup ∩ cap ∅ emptyset ∖ setminus ⋃ bigcup ⋂ bigcap ∀ "
    "forall ∃ exists ¬ neg ∧ wedge ∨ vee ⊕ oplus ⊗ otimes ⊥ perp ∥ parallel ∠ angle ∣ mid ⊢ vdash ⊨ models → to ← "
    "leftarrow ↔ leftrightarrow ⇒ Rightarrow ⇐ Leftarrow ⇔ Leftrightarrow ↦ mapsto ↑ uparrow ↓ downarrow … ldots "
    "⋯ cdots ⋮ vdots ⋱ ddots ′ prime ℏ hbar ℓ ell ℜ Re ℑ Im ℵ aleph ⟨ langle ⟩ rangle ⌈ lceil ⌉ rceil ⌊ lfloor ⌋ "
    "rfloor ‖ Vert ϵ epsilon ε varepsilon ϑ vartheta ϕ phi φ varphi ϱ varrho ϖ varpi † dagger ≺ prec ≻ succ"
)
_LETTERS = dict(zip("ℝℕℤℚℂℙ", "RNZQCP", strict=True))

OPERATORS: dict[str, str] = {
    **{chr(0x3B1 + offset): rf"\{name}" for offset, name in enumerate(_GREEK_LOWER) if name not in {"omicron"}},
    **{character: rf"\{name}" for character, name in _GREEK_UPPER.items()},
    **{character: rf"\{name}" for character, name in zip(_COMMANDS[::2], _COMMANDS[1::2], strict=True)},
    **{character: rf"\mathbb{{{letter}}}" for character, letter in _LETTERS.items()},
    "−": "-",
    "′": "'",
    "″": "''",
    "{": r"\{",
    "}": r"\}",
    # Invisible: function application, times, separator, plus.
    "\u2061": "",
    "\u2062": "",
    "\u2063": "",
    "\u2064": "",
}

# Characters that stand over a base, and the command that puts them there.
ACCENTS = {
    "^": "hat",
    "ˆ": "hat",
    "∼": "tilde",
    "~": "tilde",
    "˜": "tilde",
    "¯": "overline",
    "‾": "overline",
    "―": "overline",
    "_": "overline",
    "→": "vec",
    "⃗": "vec",
    "˙": "dot",
    ".": "dot",
    "¨": "ddot",
    "⏞": "overbrace",
}
