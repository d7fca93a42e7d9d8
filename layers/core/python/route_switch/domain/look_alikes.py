"""Letters that look like Latin ones: a part of Unicode's confusables, and letters that people read
as Latin in words of mixed scripts (т for t, н for h)."""

_LOOKS: tuple[tuple[str, str], ...] = (
    ("авеѕіјкмнорстухһԁӏьɡı", "abesijkmhopctyxhdlbgi"),
    ("αβεηικνορτυχωγ", "abenikvoptuxwy"),
    ("АВЕЅІЈКМНОРСТУХ", "ABESIJKMHOPCTYX"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("ЬгѡѴѵҮүҽӀԌԛԜԝꙇ", "brwVvYyelGqWwi"),
    ("ͿσϜϳϺᴦ", "JoFjMr"),
    ("ՍՏՕագզհոռսցքօ", "USOwqqhnnugfo"),
    ("ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᎽᏀᏂᏃᏏᏒᏔᏕᏙᏚᏞᏟᏢᏦᏧᏳᏴꭵꮁꮃꮓꮩꮪꮯ", "DRTiYAJEWMHYGhZbRWSVSLCPKdGBirwzvsc"),
    ("ⲅⲎⲒⲔⲘⲚⲞⲟⲢⲣⲤⲥⲦⲨⲬⳐ", "rHlKMNOoPpCcTYXL"),
    ("ꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "BPdDTGKJCZFMNLSRVHWXYAElOU"),
)
LOOK_ALIKES = str.maketrans(*("".join(side) for side in zip(*_LOOKS, strict=True)))
"""Greek, Cyrillic, Armenian, Cherokee, Coptic and Lisu letters."""

SCRIPTS = "\u0370-\u058f\u13a0-\u13ff\u1d26\u2c80-\u2cff\ua4d0-\ua4ff\ua640-\ua69f\uab70-\uabbf"
"""The scripts of these letters, as ranges of a regular expression."""

SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
