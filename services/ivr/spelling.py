"""Chinese text as a voice reads it that knows sounds and no characters."""

from __future__ import annotations

# how espeak-ng names such voices; its own of Chinese characters knows a few hundred of them
READS_PINYIN = "latn-pinyin"


def spelled_for(voice: str, text: str) -> str:
    """``text`` as ``voice`` can read it: for one that reads pinyin every Chinese word with its tone, 银行 is yin2 hang2.

    What is not Chinese stays. The first call takes a moment and some fifty megabytes: the dictionary is read.
    """
    if not voice.endswith(READS_PINYIN):
        return text
    # read where it is needed only: a bank's own voice knows the characters itself
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))
