"""Chinese text as a voice reads it that knows sounds and no characters: 银行 is yin2 hang2.

``python -m services.ivr.spelling`` spells its standard input. ivr runs it so, as it runs the voice: the dictionary of words, without
which half the readings are wrong, takes fifty megabytes, and a service that speaks now and then shall not hold them.
"""

from __future__ import annotations

import sys

# how espeak-ng names such voices; its own of Chinese characters knows a few hundred of them
READS_PINYIN = "latn-pinyin"
COMMAND = (sys.executable, "-m", "services.ivr.spelling")


def needs_spelling(voice: str) -> bool:
    """Whether ``voice`` reads pinyin; a bank's own knows the characters itself."""
    return voice.endswith(READS_PINYIN)


def main() -> None:
    """Every Chinese word of standard input with its tones; what is not Chinese stays."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    text = sys.stdin.buffer.read().decode()
    spelled = " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
    sys.stdout.buffer.write(spelled.encode())


if __name__ == "__main__":
    main()
