"""Stop words: each form of the word counts, and a sentence goes to people (M04)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.wording.stop_words import Word, word_of


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop ", "sToP", "STOP.", "Stop!!!", "“Stop”", "stop…", "S T O P",
        "STOP 🙏",
        "Stop. Thank you", "stop, thanks", "STOP please", "please stop",
        "stop\nthank you very much",
        "stop all", "STOPALL", "unsubscribe", "Opt out", "quit", "end",
        "BAJA", "baja, por favor", "Dar de baja", "parar", "No más mensajes", "ALTO gracias",
        "Arrêt", "ARRET", "arrêtez s'il vous plaît", "désabonner", "STOP merci",
        "sair", "PARAR obrigado", "descadastrar",
        "Stopp", "ENDE bitte", "Abmelden, danke schön", "aufhören",
        "basta grazie", "FERMA", "disiscriviti per favore",
        "إيقاف", "ايقاف", "توقّف", "إيقاف شكرًا", "إلغاء الاشتراك", "قف من فضلك",
        "ＳＴＯＰ", "STOP\u200f", "s\u00adtop", "stop stop stop",
    ],
)  # fmt: skip
def test_m04_a_stop_word_counts_in_every_form(text: str) -> None:
    assert word_of(text) == Word.STOP


@pytest.mark.parametrize("text", ["CANCEL", "cancel please", "Cancelar", "annuler merci", "إلغاء"])
def test_m04_cancel_is_a_word_of_its_own(text: str) -> None:
    assert word_of(text) == Word.CANCEL


@pytest.mark.parametrize("text", ["START", "start please", "Unstop", "ALTA", "ابدأ", "commencer"])
def test_a_start_word_counts(text: str) -> None:
    assert word_of(text) == Word.START


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "please",
        "thank you",
        "Please stop at the gate",
        "Don't stop",
        "Can you stop by the neighbour?",
        "The bus stop is in front of my door",
        "stop it, where is my parcel?",
        "STOP Sent from my phone",
        "cancel the order",
        "I want to cancel my delivery",
        "No pares en la puerta, por favor",
        "ok",
        "yes",
        "fine",
        "si",
        "123456",
        "stop 5",
        "stopping",
        "stop " * 40,
    ],
)
def test_m04_a_sentence_that_contains_a_word_goes_to_people(text: str) -> None:
    assert word_of(text) is None


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert word_of(text) in {None, *Word}
