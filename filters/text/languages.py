"""One table of language codes: ISO 639-1, ISO 639-3, English name, usual script.

Everything in Weft writes a language as its 639-1 code where there is one and as its 639-3 code otherwise; `normalise`
turns any of the usual spellings ('eng', 'en-GB', 'English', 'zh_Hant', 'nb') into that.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple


class Language(NamedTuple):
    code: str  # what Weft writes
    iso639_3: str
    name: str
    script: str  # ISO 15924, the usual one


UNDETERMINED = "und"

# The labels of lid.176, plus the macro-language members that occur in other tools' labels.
_ROWS = """
af afr Afrikaans Latn|als gsw Alemannic Latn|am amh Amharic Ethi|an arg Aragonese Latn|ar ara Arabic Arab|arz arz Egyptian_Arabic Arab
as asm Assamese Beng|ast ast Asturian Latn|av ava Avaric Cyrl|az aze Azerbaijani Latn|azb azb South_Azerbaijani Arab|ba bak Bashkir Cyrl
bar bar Bavarian Latn|bcl bcl Central_Bikol Latn|be bel Belarusian Cyrl|bg bul Bulgarian Cyrl|bh bih Bihari Deva|bn ben Bengali Beng
bo bod Tibetan Tibt|bpy bpy Bishnupriya Beng|br bre Breton Latn|bs bos Bosnian Latn|bxr bxr Buryat Cyrl|ca cat Catalan Latn
cbk cbk Chavacano Latn|ce che Chechen Cyrl|ceb ceb Cebuano Latn|ckb ckb Central_Kurdish Arab|co cos Corsican Latn|cs ces Czech Latn
cv chv Chuvash Cyrl|cy cym Welsh Latn|da dan Danish Latn|de deu German Latn|diq diq Zazaki Latn|dsb dsb Lower_Sorbian Latn
dty dty Doteli Deva|dv div Dhivehi Thaa|el ell Greek Grek|eml eml Emiliano-Romagnolo Latn|en eng English Latn|eo epo Esperanto Latn
es spa Spanish Latn|et est Estonian Latn|eu eus Basque Latn|fa fas Persian Arab|fi fin Finnish Latn|fil fil Filipino Latn|fr fra French Latn
frr frr Northern_Frisian Latn|fy fry Western_Frisian Latn|ga gle Irish Latn|gd gla Scottish_Gaelic Latn|gl glg Galician Latn
gn grn Guarani Latn|gom gom Konkani Deva|gu guj Gujarati Gujr|gv glv Manx Latn|ha hau Hausa Latn|he heb Hebrew Hebr|hi hin Hindi Deva
hif hif Fiji_Hindi Latn|hr hrv Croatian Latn|hsb hsb Upper_Sorbian Latn|ht hat Haitian Latn|hu hun Hungarian Latn|hy hye Armenian Armn
ia ina Interlingua Latn|id ind Indonesian Latn|ie ile Interlingue Latn|ig ibo Igbo Latn|ilo ilo Iloko Latn|io ido Ido Latn
is isl Icelandic Latn|it ita Italian Latn|ja jpn Japanese Jpan|jbo jbo Lojban Latn|jv jav Javanese Latn|ka kat Georgian Geor
kk kaz Kazakh Cyrl|km khm Khmer Khmr|kn kan Kannada Knda|ko kor Korean Kore|krc krc Karachay-Balkar Cyrl|ku kur Kurdish Latn
kv kom Komi Cyrl|kw cor Cornish Latn|ky kir Kyrgyz Cyrl|la lat Latin Latn|lb ltz Luxembourgish Latn|lez lez Lezgian Cyrl
li lim Limburgish Latn|lmo lmo Lombard Latn|lo lao Lao Laoo|lrc lrc Northern_Luri Arab|lt lit Lithuanian Latn|lv lav Latvian Latn
mai mai Maithili Deva|mg mlg Malagasy Latn|mhr mhr Meadow_Mari Cyrl|mi mri Maori Latn|min min Minangkabau Latn|mk mkd Macedonian Cyrl
ml mal Malayalam Mlym|mn mon Mongolian Cyrl|mr mar Marathi Deva|mrj mrj Hill_Mari Cyrl|ms msa Malay Latn|mt mlt Maltese Latn
mwl mwl Mirandese Latn|my mya Burmese Mymr|myv myv Erzya Cyrl|mzn mzn Mazanderani Arab|nah nah Nahuatl Latn|nap nap Neapolitan Latn
nds nds Low_German Latn|ne nep Nepali Deva|new new Newari Deva|nl nld Dutch Latn|nn nno Norwegian_Nynorsk Latn|no nor Norwegian Latn
oc oci Occitan Latn|or ori Odia Orya|os oss Ossetian Cyrl|pa pan Punjabi Guru|pam pam Kapampangan Latn|pfl pfl Palatine_German Latn
pl pol Polish Latn|pms pms Piedmontese Latn|pnb pnb Western_Punjabi Arab|ps pus Pashto Arab|pt por Portuguese Latn|qu que Quechua Latn
rm roh Romansh Latn|ro ron Romanian Latn|ru rus Russian Cyrl|rue rue Rusyn Cyrl|sa san Sanskrit Deva|sah sah Yakut Cyrl
sc srd Sardinian Latn|scn scn Sicilian Latn|sco sco Scots Latn|sd snd Sindhi Arab|sh hbs Serbo-Croatian Latn|si sin Sinhala Sinh
sk slk Slovak Latn|sl slv Slovenian Latn|so som Somali Latn|sq sqi Albanian Latn|sr srp Serbian Cyrl|st sot Sesotho Latn
su sun Sundanese Latn|sv swe Swedish Latn|sw swa Swahili Latn|ta tam Tamil Taml|te tel Telugu Telu|tg tgk Tajik Cyrl|th tha Thai Thai
tk tuk Turkmen Latn|tl tgl Tagalog Latn|tr tur Turkish Latn|tt tat Tatar Cyrl|tyv tyv Tuvan Cyrl|ug uig Uyghur Arab|uk ukr Ukrainian Cyrl
ur urd Urdu Arab|uz uzb Uzbek Latn|vec vec Venetian Latn|vep vep Veps Latn|vi vie Vietnamese Latn|vls vls West_Flemish Latn
vo vol Volapuk Latn|wa wln Walloon Latn|war war Waray Latn|wo wol Wolof Latn|wuu wuu Wu_Chinese Hani|xal xal Kalmyk Cyrl
xh xho Xhosa Latn|xmf xmf Mingrelian Geor|yi yid Yiddish Hebr|yo yor Yoruba Latn|yue yue Cantonese Hani|zh zho Chinese Hani|zu zul Zulu Latn
"""

# other spellings -> code: bibliographic 639-2 codes, members of macro-languages, retired codes, own names
_ALIASES = {
    "ger": "de", "fre": "fr", "dut": "nl", "gre": "el", "chi": "zh", "cze": "cs", "per": "fa", "rum": "ro", "slo": "sk",
    "alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "geo": "ka", "ice": "is", "mac": "mk", "mao": "mi", "may": "ms",
    "tib": "bo", "wel": "cy", "cmn": "zh", "arb": "ar", "pes": "fa", "prs": "fa", "nob": "no", "nb": "no", "zsm": "ms",
    "ekk": "et", "lvs": "lv", "swh": "sw", "khk": "mn", "gsw": "als", "iw": "he", "in": "id", "ji": "yi", "mo": "ro",
    "ary": "ar", "npi": "ne", "ory": "or", "azj": "az", "uzn": "uz", "kmr": "ku", "plt": "mg", "als_": "sq", "tgl": "tl",
    "deutsch": "de", "english": "en", "francais": "fr", "espanol": "es", "unknown": UNDETERMINED, "un": UNDETERMINED,
    "mul": UNDETERMINED, "zxx": UNDETERMINED, "": UNDETERMINED,
}  # fmt: skip


@cache
def table() -> dict[str, Language]:
    """Code -> Language, sorted by code."""
    out = {}
    for row in _ROWS.replace("\n", "|").split("|"):
        if row:
            code, three, name, script = row.split()
            out[code] = Language(code, three, name.replace("_", " "), script)
    return dict(sorted(out.items()))


@cache
def _index() -> dict[str, str]:
    index = {}
    for language in table().values():
        for spelling in (language.name.lower(), language.iso639_3, language.code):
            index[spelling] = language.code
    return index | _ALIASES


@cache
def normalise(code: str) -> str:
    """The code that Weft writes for a language tag, code or English name; 'und' if it is not known.

    Subtags are dropped ('en-GB', 'zh_Hant', 'eng_Latn')."""
    low = code.strip().lower().removeprefix("__label__")
    index = _index()
    return index.get(low) or index.get(low.replace("_", "-").split("-")[0], UNDETERMINED)


def script_of(code: str) -> str:
    """ISO 15924 code of the usual script of a language, 'Zyyy' if unknown."""
    language = table().get(normalise(code))
    return language.script if language else "Zyyy"
