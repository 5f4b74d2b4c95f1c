"""The words with which a person stops or starts messages. PURE.

A text is such a word if nothing else is in it but polite words. Case, accents, spaces, quotation
marks, emoji and closing punctuation do not matter. A sentence that only contains such a word goes
to people, because "please stop at the gate" is no opt-out.

The words of seven languages count for every retailer, because a shopper answers in any language.
Words that are a usual answer in another language are left out: Italian "fine".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Word(StrEnum):
    """The wish in a text: no more messages, messages again, or a cancelled delivery.

    ``CANCEL`` is on the list of stop words of the provider, so it stops messages too. The person
    may mean the delivery, so they get an answer that explains it.
    """

    STOP = "stop"
    START = "start"
    CANCEL = "cancel"


_STOP: Final = """
    stop | stop all | stopall | unsubscribe | end | quit | revoke | opt out | optout | stop it
    parar | pare | para | alto | baja | dar de baja | darme de baja | dame de baja | detener
    desuscribir | desuscribirme | desuscribirse | no mas mensajes | fin
    توقف | ايقاف | اوقف | قف | توقفوا | الغاء الاشتراك | وقف
    arret | arreter | arretez | arretes | desabonner | desabonnement | me desabonner
    desinscrire | desinscription
    sair | descadastrar | descadastre | remover | nao quero mais mensagens | pares
    stopp | ende | abmelden | abbestellen | aufhoren | aufhoeren | abmeldung
    ferma | fermare | fermati | basta | disiscriviti | disiscrivimi | disiscrizione
"""
_CANCEL: Final = """
    cancel | cancelled | cancel it | cancelar | cancela | cancelo | cancelalo | anular
    الغاء | الغ | الغي
    annuler | annulez | annulation | cancele
    stornieren | storno | abbrechen | annulla | annullare | cancella | cancellare
"""
_START: Final = """
    start | unstop | restart | iniciar | inicio | empezar | comenzar | alta | reanudar
    ابدا | بدء | ابدء | استئناف | اشتراك
    demarrer | commencer | reprendre | recommencer
    comecar | recomecar | retomar | starten | beginnen | anmelden | fortsetzen
    inizia | iniziare | avvia | riprendi | riprendere
"""
_POLITE: Final = """
    please | pls | plz | thanks | thank you | thank you very much | many thanks | thx | ty | cheers
    por favor | porfavor | porfa | gracias | muchas gracias | mil gracias
    من فضلك | لو سمحت | شكرا | شكرا لك | شكرا جزيلا | رجاء
    merci | merci beaucoup | s il vous plait | s il te plait | svp | stp
    obrigado | obrigada | muito obrigado | muito obrigada | se faz favor
    bitte | danke | danke schon | danke schoen | vielen dank | bitte schon
    grazie | grazie mille | per favore | per piacere | per cortesia
"""
_SEPARATORS: Final = re.compile(r"[|\n]")
_LONGEST: Final = 80  # characters of a text that can be such a word
_SINGLE: Final = 3  # three single letters in a row, or more, are one word, as in "S T O P"


def word_of(text: str) -> Word | None:
    """Return what a text asks for; None if it is a sentence for people."""
    if len(text) > _LONGEST:
        return None
    words = _words(text)
    if len(words) >= _SINGLE and all(len(word) == 1 for word in words):
        words = ("".join(words),)
    words = _without_polite(words)
    return _meaning(words)


def says_yes(text: str) -> bool:
    """Return True for the word YES: Twilio opts in with it who opted out before.

    It is a usual answer too, so it means this only after an opt-out.
    """
    return _without_polite(_words(text[:_LONGEST])) == ("yes",)


def _meaning(words: tuple[str, ...]) -> Word | None:
    """Return the meaning of words without polite ones. The same word may be repeated."""
    for length in range(1, len(words) + 1):
        times, rest = divmod(len(words), length)
        if rest == 0 and words == words[:length] * times:
            return _WORDS.get(words[:length])
    return None


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text: lower case, without accents, marks and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(
        sign if unicodedata.category(sign)[0] in "LN" else " "
        for sign in plain
        if not _is_silent(sign)
    )
    return tuple(letters.replace("ى", "ي").replace("ـ", "").split())


def _is_silent(sign: str) -> bool:
    """Return True for accents, vowel signs and invisible marks of direction."""
    return unicodedata.category(sign) in {"Mn", "Me", "Cf"}


def _without_polite(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without polite words at the beginning and the end."""
    for phrase in _PHRASES:
        if len(words) > len(phrase):
            if words[-len(phrase) :] == phrase:
                return _without_polite(words[: -len(phrase)])
            if words[: len(phrase)] == phrase:
                return _without_polite(words[len(phrase) :])
    return words


def _phrases(table: str) -> Iterable[tuple[str, ...]]:
    return filter(None, (_words(phrase) for phrase in _SEPARATORS.split(table)))


_WORDS: Final[dict[tuple[str, ...], Word]] = {
    **dict.fromkeys(_phrases(_START), Word.START),
    **dict.fromkeys(_phrases(_STOP), Word.STOP),
    **dict.fromkeys(_phrases(_CANCEL), Word.CANCEL),
}
_PHRASES: Final = tuple(sorted(_phrases(_POLITE), key=len, reverse=True))
