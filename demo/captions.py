"""Scenes said in words: captions, alternative texts and describing sentences, in ten languages.

English follows the grammar ("three red circles and one blue square"); the other languages use the label style of museum
captions ("Kreise in Rot, Anzahl: drei"), which needs no agreement of gender and case and is natural in all of them.
"""

from __future__ import annotations

from demo.rng import Stream
from demo.scenes import Scene

NUMBERS = ("zero", "one", "two", "three", "four", "five")
PLURAL = {"cross": "crosses"}
_RELATION = {"above": "above", "below": "below", "left": "to the left of", "right": "to the right of"}

# language -> shapes (plural), colours, numbers 1..5, relations, and the words for label, number, writing
_WORDS: dict[str, dict[str, str]] = {
    "de": {
        "shapes": "Kreise Quadrate Dreiecke Sterne Kreuze Ringe", "colours": "Rot Grün Blau Gelb Violett Orange Schwarz Braun",
        "numbers": "eins zwei drei vier fünf", "relations": "oberhalb|unterhalb|links|rechts",
        "count": "{s} in {c}, Anzahl: {n}", "and": "daneben", "text": "die Aufschrift {t} in {c}", "pic": "Das Bild zeigt: {d}.",
    },
    "fr": {
        "shapes": "cercles carrés triangles étoiles croix anneaux", "colours": "rouge vert bleu jaune violet orange noir brun",
        "numbers": "un deux trois quatre cinq", "relations": "au-dessus|au-dessous|à gauche|à droite",
        "count": "{s} en {c}, au nombre de {n}", "and": "avec", "text": "l'inscription {t} en {c}", "pic": "Sur cette image : {d}.",
    },
    "es": {
        "shapes": "círculos cuadrados triángulos estrellas cruces anillos",
            "colours": "rojo verde azul amarillo morado naranja negro marrón",
        "numbers": "uno dos tres cuatro cinco", "relations": "encima|debajo|a la izquierda|a la derecha",
        "count": "{s} en {c}, cantidad: {n}", "and": "junto con", "text": "la inscripción {t} en {c}", "pic": "En la imagen se ven {d}.",
    },
    "it": {
        "shapes": "cerchi quadrati triangoli stelle croci anelli", "colours": "rosso verde blu giallo viola arancione nero marrone",
        "numbers": "uno due tre quattro cinque", "relations": "sopra|sotto|a sinistra|a destra",
        "count": "{s} in {c}, quantità: {n}", "and": "insieme a", "text": "la scritta {t} in {c}", "pic": "Nella foto si vedono {d}.",
    },
    "pt": {
        "shapes": "círculos quadrados triângulos estrelas cruzes anéis",
            "colours": "vermelho verde azul amarelo roxo laranja preto castanho",
        "numbers": "um dois três quatro cinco", "relations": "acima|abaixo|à esquerda|à direita",
        "count": "{s} em {c}, quantidade: {n}", "and": "junto com", "text": "a inscrição {t} em {c}", "pic": "Na imagem estão {d}.",
    },
    "nl": {
        "shapes": "cirkels vierkanten driehoeken sterren kruisen ringen", "colours": "rood groen blauw geel paars oranje zwart bruin",
        "numbers": "een twee drie vier vijf", "relations": "boven|onder|links|rechts",
        "count": "{s} in het {c}, aantal: {n}", "and": "samen met", "text": "het opschrift {t} in het {c}",
            "pic": "Op de foto zien we {d}.",
    },
    "ru": {
        "shapes": "круги квадраты треугольники звёзды кресты кольца",
            "colours": "красный зелёный синий жёлтый фиолетовый оранжевый чёрный коричневый",
        "numbers": "один два три четыре пять", "relations": "сверху|снизу|слева|справа",
        "count": "{s}, цвет {c}, число: {n}", "and": "а также", "text": "надпись {t}, цвет {c}", "pic": "На снимке: {d}.",
    },
    "ja": {
        "shapes": "円 四角形 三角形 星 十字 輪", "colours": "赤 緑 青 黄色 紫 オレンジ 黒 茶色",
        "numbers": "一つ 二つ 三つ 四つ 五つ", "relations": "上|下|左|右",
        "count": "{c}の{s}が{n}", "and": "と", "text": "{c}の文字で書かれた{t}", "pic": "この写真には{d}が写っています。",
    },
    "zh": {
        "shapes": "圆形 正方形 三角形 星形 十字 圆环", "colours": "红色 绿色 蓝色 黄色 紫色 橙色 黑色 棕色",
        "numbers": "一个 两个 三个 四个 五个", "relations": "上方|下方|左边|右边",
        "count": "{n}{c}的{s}", "and": "和", "text": "用{c}写的{t}", "pic": "这张图片里有{d}。",
    },
}  # fmt: skip
LANGUAGES = ("en", *_WORDS)


def phrase(scene: Scene, language: str = "en") -> str:
    """What the scene shows, as a noun phrase without a full stop. KeyError on a language that is not in LANGUAGES."""
    if language != "en":
        return _label(scene, _WORDS[language])
    if scene.kind == "digits":
        return f"the number {scene.text} in {scene.ink} digits"
    if scene.kind == "word":
        return f"the word {scene.text} in {scene.ink} letters"
    parts = [_noun(g.count, g.colour, g.shape) for g in scene.groups]
    if scene.kind == "relation":
        a, b = (f"{_article(g.colour)} {g.colour} {g.shape}" for g in scene.groups)
        return f"{a} {_RELATION[scene.relation]} {b}"
    return " and ".join(parts)


def caption(scene: Scene, language: str, draw: Stream) -> str:
    """A figure caption: the phrase, sometimes wrapped."""
    p = phrase(scene, language)
    if language != "en":
        return draw.pick((_capital(p) + ("。" if language in ("ja", "zh") else "."), _WORDS[language]["pic"].format(d=p)))
    return draw.pick((f"{_capital(p)}.", f"A picture of {p}.", f"This image shows {p}.", f"{_capital(p)} on a pale background."))


def alt(scene: Scene, language: str, draw: Stream) -> str:
    """An alternative text: the bare phrase."""
    p = phrase(scene, language)
    return draw.pick((p, _capital(p)))


def sentence(scene: Scene, language: str, draw: Stream) -> str:
    """A sentence of running text that tells what the picture shows."""
    p = phrase(scene, language)
    if language != "en":
        return _WORDS[language]["pic"].format(d=p)
    return draw.pick(_SENTENCES).format(d=p, D=_capital(p))


_SENTENCES = (
    "In the picture you can see {d}.",
    "The photograph that we took on the day shows {d}.",
    "{D} can be seen in the picture that goes with this part of the story.",
    "If you look at the image, you will find {d}.",
    "What the picture has to show is {d}, and nothing else.",
    "On the print that hangs here there is nothing but {d}.",
    "We were shown a small picture with {d}.",
)


def _noun(count: int, colour: str, shape: str) -> str:
    return f"{NUMBERS[count]} {colour} {shape if count == 1 else PLURAL.get(shape, shape + 's')}"


def _article(colour: str) -> str:
    return "an" if colour[0] in "aeiou" else "a"


def _label(scene: Scene, words: dict[str, str]) -> str:
    from demo.scenes import COLOURS, RELATIONS, SHAPES

    colour = dict(zip(COLOURS, words["colours"].split(), strict=True))
    if scene.text:
        return words["text"].format(t=scene.text, c=colour[scene.ink])
    shape = dict(zip(SHAPES, words["shapes"].split(), strict=True))
    numbers = words["numbers"].split()
    parts = [words["count"].format(s=shape[g.shape], c=colour[g.colour], n=numbers[g.count - 1]) for g in scene.groups]
    out = f" {words['and']} ".join(parts)
    if scene.relation:
        where = dict(zip(RELATIONS, words["relations"].split("|"), strict=True))[scene.relation]
        out += f" ({where})"
    return out


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
