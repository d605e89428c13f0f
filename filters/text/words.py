"""Word lists: where they come from and under which licence.

- stop words, about 40 languages: the 300 most frequent words by the `wordfreq` package (OBELICS uses a list of 301)
- common words, about 40 languages: every word that `wordfreq` knows (about one occurrence in 10^8 words and up for the 20
  large lists, 10^6 for the others)
- flagged words, English and eight more: our own short lists below
- spam words, English and six more: our own lists of what share bars, cookie banners and sign-up boxes say (OBELICS, step
  13, has a list of 40)

wordfreq is Apache-2.0, its data CC BY-SA 4.0; the data is read from the installed package at run time, nothing
of it is copied into the tree. A language without a list has no measure, and so passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
import xxhash

from filters.text.languages import normalise
from filters.text.segment import distinct
from filters.text.segment import words as cut

STOP_WORDS = 300

_WORDFREQ = {"no": "nb", "nn": "nb", "tl": "fil", "hr": "sh", "sr": "sh", "bs": "sh", "yue": "zh", "wuu": "zh"}

# Gopher's required words (Rae et al. 2021, appendix A1.1).
REQUIRED = frozenset("the be to of and that have with".split())

_FLAGGED = {
    "en": """anal anus arse arsehole asshole bdsm bestiality bitches blowjob blowjobs bollocks boner boobs bukkake butthole camgirl
    camgirls clit cock cocks creampie cum cumshot cumshots cunnilingus cunt cunts deepthroat dick dicks dildo dildos ejaculation
    erotic escorts fellatio femdom fetish fingering fuck fucked fucker fuckers fucking gangbang handjob hardcore hentai hooker
    hookers horny incest jizz kinky masturbate masturbating masturbation milf milfs naked nude nudes nudity nympho orgasm orgasms
    orgy penis porn porno pornhub pornography pornstar pornstars pussies pussy rape sex sexcam shemale shemales slut sluts sodomy
    squirting strapon swinger swingers threesome tits titties topless twink upskirt vagina vibrator voyeur wank webcam whore
    whores xnxx xvideos xxx""",
    "de": """fick ficken fickt fotze fotzen hure huren muschi muschis nackt nutte nutten porno pornos schlampe schlampen schwanz sex titten
    wichsen xxx""",
    "fr": """baise baiser bite bites branlette chatte couilles enculer nue nues partouze pénis porno pute putes salope salopes sexe sodomie
    xxx""",
    "es": """coño culo follar mamada pene pornografía porno puta putas sexo tetas verga xxx zorra zorras desnuda desnudas""",
    "it": """cazzo culo figa porno puttana puttane scopare sesso tette troia troie nuda xxx""",
    "pt": """boceta buceta caralho foder pau porno puta putas punheta sexo nua xxx""",
    "nl": """hoer hoeren kut lul naakt neuken porno seks sex slet sletten tieten xxx""",
    "ru": """анал блядь ебать минет порно порнуха секс сиськи сосать трах трахать шлюха шлюхи эротика""",
    "pl": """cipa chuj cycki dziwka dziwki jebać kurwa naga nagie porno ruchanie seks xxx""",
}
_SPAM = {
    "en": """accept advertisement advertisements advertise bookmark browser checkout click comments cookie cookies copyright disclaimer
    download downloads email facebook follow followers instagram join javascript linkedin login logout mailing menu newsletter
    password pinterest policy privacy register reserved retweet share shares signup sponsored submit subscribe subscriber
    subscribers subscription tumblr tweet tweets twitter unsubscribe username whatsapp""",
    "de": """abonnieren akzeptieren anmelden anmeldung cookie cookies datenschutz datenschutzerklärung facebook folgen impressum instagram
    klicken kommentare newsletter passwort pinterest registrieren teilen tweet twitter warenkorb werbung whatsapp""",
    "fr": """abonner abonnez accepter cliquer cliquez commentaires confidentialité connecter connexion cookie cookies facebook inscription
    inscrire inscrivez instagram newsletter panier partager partagez pinterest publicité suivez tweet tweeter twitter whatsapp""",
    "es": """aceptar acceder boletín carrito clic comentarios compartir contraseña cookie cookies facebook haz iniciar instagram newsletter
    pinterest privacidad publicidad registrarse seguir suscribete suscríbete suscribir suscribirse tuitear tweet twitter whatsapp""",
    "it": """accedi accetta carrello clicca commenti condividi cookie cookies facebook instagram iscriviti newsletter password pinterest
    privacy pubblicità registrati seguici tweet twitter whatsapp""",
    "pt": """aceitar assine carrinho clique comentários compartilhar compartilhe cookie cookies facebook inscreva instagram newsletter
    pinterest privacidade publicidade senha siga tweet twitter whatsapp""",
    "nl": """aanmelden abonneren accepteren advertentie cookie cookies delen facebook inloggen inschrijven instagram klik nieuwsbrief
    pinterest privacy reacties tweet twitter volg wachtwoord whatsapp winkelwagen""",
}  # fmt: skip


def wordfreq_code(language: str) -> str | None:
    """The name under which wordfreq lists a language, None if it does not."""
    import wordfreq

    code = normalise(language)
    code = _WORDFREQ.get(code, code)
    return code if code in _wordfreq_languages(wordfreq) else None


def _wordfreq_languages(wordfreq) -> dict[str, str]:  # noqa: ANN001 - a module
    return wordfreq.available_languages("best")


class Hashed:
    """A set of words as sorted 64-bit hashes: 8 bytes a word, where a Python set takes about 130. A word outside it is taken for one
    of a million words with a chance of 10^-13."""

    def __init__(self, words: Iterable[str]):
        hashes = np.sort(np.fromiter(map(hashed, words), np.uint64))  # np.unique takes fifty times as long
        self._hashes = hashes[np.append(True, hashes[1:] != hashes[:-1])] if len(hashes) else hashes

    def __contains__(self, word: str) -> bool:
        return self.has([hashed(word)])[0]

    def has(self, hashes: Sequence[int]) -> list[bool]:
        """Which of the words with these hashes are in the set."""
        wanted = np.array(hashes, np.uint64)
        at = self._hashes.searchsorted(wanted)
        at[at == len(self._hashes)] = 0
        return (self._hashes[at] == wanted).tolist() if len(self._hashes) else [False] * len(wanted)

    def __len__(self) -> int:
        return len(self._hashes)


def hashed(word: str) -> int:
    """64 bits that stand for a word, the same in every process."""
    return xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass"))


def common(language: str) -> Hashed:
    """All words of a language that wordfreq knows, cut as `segment` cuts a text; empty if it has no list."""
    return _lists(language)[0]


def stop(language: str) -> frozenset[str]:
    """The `STOP_WORDS` most frequent words of a language; empty if there is no list."""
    return _lists(language)[1]


@lru_cache(maxsize=64)
def _lists(language: str) -> tuple[Hashed, frozenset[str]]:
    """Both, from one reading of wordfreq's file."""
    import wordfreq

    code = wordfreq_code(language)
    if code is None:
        return Hashed(()), frozenset()
    listed = [w for band in wordfreq.get_frequency_list(code, "best") for w in band]
    frequent = wordfreq.top_n_list(code, 2 * STOP_WORDS, "best")
    wordfreq.get_frequency_list.cache_clear()  # wordfreq would keep what it has read: 60 to 100 MB a language
    units = dict.fromkeys(u for w in frequent for u in cut(w))
    return Hashed(distinct(listed) if code in ("zh", "ja") else listed), frozenset(islice(units, STOP_WORDS))


@lru_cache(maxsize=64)
def flagged(language: str) -> frozenset[str]:
    """Words that mark pornography and obscenity; English words count in every language, since such pages borrow them."""
    return frozenset(_FLAGGED["en"].split()) | frozenset(_FLAGGED.get(normalise(language), "").split())


@lru_cache(maxsize=64)
def spam(language: str) -> frozenset[str]:
    """Words of share bars, cookie banners and sign-up boxes; empty if there is no list for the language."""
    return frozenset(_SPAM.get(normalise(language), "").split())


def languages_with_lists() -> dict[str, tuple[str, ...]]:
    """Which lists exist for which language, for the docs."""
    import wordfreq

    return {
        "stop_words": tuple(sorted(_wordfreq_languages(wordfreq))),
        "common_words": tuple(sorted(_wordfreq_languages(wordfreq))),
        "flagged_words": tuple(sorted(_FLAGGED)),
        "spam_words": tuple(sorted(_SPAM)),
    }
