"""Latin letters that Unicode does not take apart into a letter and an accent, with what they are folded to.

Source: the transform Latin-ASCII of Unicode CLDR, its rules for letters, in lower case.
"""

# ruff: noqa: RUF001  # They look alike; that is why they are folded.

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LETTERS = (
    "aⱥᴀᶏ bƀƃɓʙᴃᵬᶀ cƈȼɕᴄꞓ dðđƌȡɖɗᴅᴆᵭᶁᶑꝱꝺ eɇɛᴇᶒᶓⱸ fƒᵮᶂꜰꝼ gǥɠɡɢʛᶃꞡ hħɦɧʜⱨ iıɨɩɪᵻᶖ jȷɉɟʝᴊ kƙᴋᶄⱪꝁꝃꝅꞣ "
    "lłƚȴɫɬɭʟᴌᶅⱡꝇꝉꝲ mɱᴍᵯᶆꝳ nŋƞȵɲɳɴᵰᶇꝴꞑꞥ oøᴏⱺꝋꝍ pƥᴘᵱᵽᶈꝑꝓꝕ qĸʠꝗꝙ rɍɼɽɾʀᵲᵳᶉꝵꝶꞧ sȿʂᵴᶊẜẝꜱꞩ tŧƫƭȶʈᴛᵵⱦꝷꞇ "
    "uʉᴜᵾᶙ vʋᴠᶌỽⱱⱴꝟ wᴡⱳ xᶍ yƴɏʏỿ zƶȥɀʐʑᴢᵶᶎⱬ"
)
"""Each letter of ASCII, with the letters that are folded to it."""

_SEVERAL = "aaꜳ aeæᴁ aoꜵ auꜷ avꜹꜻ ayꜽ dbȸ dzʣʥ hvƕ llỻ lsʪ lzʫ oeœɶ oiƣ ooꝏ qpȹ thþᵺꝥꝧ tsʦ ueᵫ vyꝡ"
"""Each pair of letters of ASCII, with the letters that are folded to it."""


def _table() -> dict[int, str]:
    singles = {ord(letter): group[0] for group in _LETTERS.split() for letter in group[1:]}
    return singles | {ord(letter): group[:2] for group in _SEVERAL.split() for letter in group[2:]}


PLAIN: Mapping[int, str] = MappingProxyType(_table())
"""What `str.translate` makes ASCII of."""
