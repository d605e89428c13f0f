"""English running text from a small grammar: common words, many function words, few repeated word runs.

The sentences have to look like prose to the filters of OBELICS (stop words >= 0.35 of the words of a document, common words
>= 0.9, punctuation >= 0.03) and must differ between pages (no long word run is fixed), so that only planted near-duplicates
are near.
"""

from __future__ import annotations

from functools import cache

from demo.rng import Stream

_SLOTS = {
    "who": """my neighbour|the old teacher|a young doctor|our guide|the owner of the shop|one of the visitors|the woman at the desk
        |a friend of the family|the man from the museum|the head of the school|the captain|a local farmer|the new director|her brother
        |his daughter|the baker|a group of students|the mayor|the painter|most of the guests|somebody from the town|the editor
        |an engineer|the gardener|the driver of the bus|a reporter|the librarian|two of the workers|the cook|my grandmother""",
    "thing": """the old map|a long letter|the wooden box|the second chapter|a small notebook|the blue door|the main plan|a simple idea
        |the last report|the new road|an early version|the broken clock|a better answer|the whole story|the kitchen table
        |the first draft|a heavy bag|the open window|a good reason|the morning paper|the narrow path|a warm coat|the final list
        |the empty room|a large mirror|the garden wall|the evening train|a quiet corner|the high tower|a piece of bread""",
    "place": """by the river|in the market|near the station|at the edge of the forest
        |on the other side of the hill|in the north of the country
        |behind the church|next to the harbour|in a small village|at the end of the street|above the valley|under the bridge
        |inside the library|along the coast|in the middle of the city|outside the theatre|on the island|close to the border
        |in front of the hall|across the square|over the hills|around the lake|at the university|in the back of the house""",
    "time": """last winter|in the early morning|after the war|a few weeks ago|on the second day|before the meeting|during the summer
        |late in the evening|for almost a year|since the beginning of spring|at about nine|once a month|in the following week|every year
        |on a cold day in March|when the rain had stopped|at the end of the month|by the time we arrived|some years later
        |until the next morning|in those days|on most Sundays|after a long night|between two holidays""",
    "did": """found|brought|described|carried|remembered|changed|left|kept|showed us|looked at|talked about|wrote down|explained|lost
        |bought|opened|moved|returned to|worked on|asked about|thought of|gave away|studied|measured|repaired|noticed""",
    "adj": """difficult|quiet|useful|strange|simple|important|expensive|pleasant|dangerous|common|surprising|slow|beautiful|certain
        |necessary|possible|clear|ordinary|different|honest|wonderful|rare|careful|bright""",
    "thought": """it would not take very long|nobody would ever ask|there was still enough time|the weather had to change soon
        |that was only half of the truth|we should have started earlier|the others had already gone home|it was worth the money
        |nothing could be done about it|the work had just begun|everyone knew the answer|this would be the end of it
        |the price was far too high|both sides were right in their own way|they had seen it all before
        |a second look could not hurt|it made no difference at all|someone had to say it""",
    "noun": """the weather|the work|the road|this part of the world|the food|the music|the history of the place|the water|the language
        |such a house|the trade|the school|the light|that kind of business|the law|the game|the air|the old town|the question|the journey
        |the price of land|the market|life on the farm|the research""",
    "verbing": """walking home|waiting for the bus|reading the news|making dinner|looking for help|talking to the others|sitting
        |writing the report|cleaning the house|learning the rules|cutting wood|counting the money|crossing the field|drinking tea
        |watching the birds|planning the trip|asking around|working through the night|fixing the roof|going from door to door""",
    "many": """three|several|a few|about twenty|more than a hundred|many|some|a dozen|only two|at least five""",
    "people": """people|children|families|workers|students|travellers|teachers|visitors|doctors|artists|soldiers|writers|farmers|young men
        |women|members of the group""",
    "how": """without a word|with great care|as well as they could|for no clear reason|in his own way
        |with both hands|as if nothing had happened
        |as fast as possible|in spite of the cold|for the first time|against all advice|with a smile|by hand|on foot|in the dark
        |more than once|with the help of a friend""",
    "link": """However|In the end|At first|For this reason|After that|As a result|Even so|On the whole|By then|In any case|Of course
        |At the same time|To be fair|In other words|From then on|Not long after|In the meantime|All the same""",
    "and": "and|but|while|because|although|so|when|until|before|since",
}  # fmt: skip

_SENTENCES = (
    "{link}, {who} {did} {thing} {place}, {and} {thought}.",
    "{Time}, {who} {did} {thing} {how}.",
    "It was {adj} to see {who} {place}, {and} {thought}.",
    "There were {many} {people} {place}; {who} {did} {thing}.",
    "{Who} said that {thought}, {and} {who} {did} {thing} {time}.",
    "What {who} {did} was {thing}, and {time} that was {adj}.",
    "{Noun} can be {adj}, but {thought}.",
    "When {who} was {verbing}, {many} {people} {did} {thing}.",
    "{Time} we were {verbing} {place}, and {who} {did} {thing}.",
    "If {noun} is {adj}, then {noun} must be {adj} as well; {who} told me so {time}.",
    "{Many} of the {people} we met {place} thought that {thought}.",
    "Nobody {place} {did} {thing}, {and} {noun} was too {adj} for that.",
    "{Who} had been {verbing} {time}, {and} {thought}.",
    "{Place}, {noun} is more {adj} than most {people} believe.",
    "Why {who} {did} {thing} {how}, we do not know; {thought}.",
    "{Link}, {noun} was as {adj} as ever, {and} {who} was {verbing} {how}.",
    "They say {place} that {noun} was once {adj}, {and} {many} {people} still talk about it.",
    "{Thing} was not what {who} had wanted; it was {adj} {and} {thought}.",
    "For {people} like {who}, {verbing} {place} is {adj}.",
    "{Verbing} is {adj}, and so is {verbing}, if {who} is with you {time}.",
    "{Link}, {many} {people} were {verbing} {how}, {and} {noun} had become {adj}.",
    "You could hear {who} {verbing} {place} {time}.",
    "With {thing} {how}, {who} was on the way {time}.",
    "I asked {who} about {noun}, and the answer was {adj}: {thought}.",
    "Between {noun} and {noun} there is a {adj} connection, as {who} found out {time}.",
    "{Who} and {who} {did} {thing} together {time}.",
    "All of this was {adj}, and {time} {who} {did} {thing}.",
    "Is {noun} really so {adj}? {Who} was not sure, {and} {thought}.",
)  # fmt: skip

_TITLES = (
    "What {who} {did} {place}", "{Thing} and {noun}", "Why {noun} is {adj}", "{Verbing} {place}", "How {who} {did} {thing}",
    "{Many} {people} {place}", "{Time}: {thing} {place}", "On {noun} and {verbing}",
)  # fmt: skip


@cache
def _fillers(slot: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in _SLOTS[slot].split("|"))


def fill(template: str, draw: Stream) -> str:
    """The template with each `{slot}` drawn; `{Slot}` begins with a capital letter. No filler is used twice in one sentence."""
    out, used = [], set()
    for i, piece in enumerate(template.replace("}", "{").split("{")):
        if i % 2 == 0:
            out.append(piece)
            continue
        options = _fillers(piece.lower())
        value = draw.pick(options)
        while value in used and len(options) > 2:
            value = draw.pick(options)
        used.add(value)
        if value[0] in "aeiou" and out and f" {out[-1]}".endswith(" a "):
            out[-1] = out[-1][:-1] + "n "
        out.append(value[0].upper() + value[1:] if piece[0].isupper() else value)
    return "".join(out)


def sentence(draw: Stream) -> str:
    return fill(draw.pick(_SENTENCES), draw)


def paragraph(draw: Stream, low: int = 3, high: int = 5) -> str:
    """`low` to `high` sentences, of different patterns."""
    return " ".join(fill(t, draw) for t in draw.sample(_SENTENCES, draw.between(low, high)))


def title(draw: Stream) -> str:
    return fill(draw.pick(_TITLES), draw)
