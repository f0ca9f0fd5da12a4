"""The words that the demo's people, firms and deals are made of; no real person or firm is meant."""

# fmt: off
FIRST_NAMES = (
    "Ada", "Alistair", "Amara", "Anika", "Arthur", "Beatrix", "Bronwen", "Callum", "Carys", "Cedric",
    "Chidi", "Clara", "Dafydd", "Daphne", "Della", "Edmund", "Elspeth", "Esme", "Ewan", "Farida",
    "Fergus", "Flora", "Gareth", "Greta", "Hamish", "Harriet", "Hugo", "Imogen", "Iris", "Isaac",
    "Jasmin", "Jonas", "Keziah", "Lachlan", "Leila", "Lionel", "Lowri", "Magnus", "Maeve", "Marcus",
    "Nadia", "Nell", "Niamh", "Oscar", "Otis", "Petra", "Priya", "Quentin", "Ravi", "Rhona", "Rufus",
    "Sanjay", "Selma", "Silas", "Tamsin", "Theo", "Una", "Verity", "Wilfred", "Zara",
)

SURNAME_HEADS = (
    "Alder", "Amble", "Bracken", "Brindle", "Calder", "Copper", "Dapple", "Ember", "Fallow", "Fennel",
    "Garland", "Hazel", "Heather", "Ivory", "Juniper", "Larkin", "Linnet", "Mallow", "Merrin", "Nettle",
    "Oaken", "Pebble", "Quarrel", "Rowan", "Sable", "Tansy", "Thistle", "Umber", "Willow", "Yarrow",
)
# fmt: on
SURNAME_TAILS = ("brook", "combe", "croft", "dene", "garth", "holt", "mere", "shaw", "stead", "thwaite")

# fmt: off
FIRM_HEADS = (
    "Ashgrove", "Beckhollow", "Birchmoor", "Bluewater", "Bramblegate", "Brookhollow", "Castlefold",
    "Chalkhill", "Clovermead", "Cragside", "Dovefield", "Eastwharf", "Elmbridge", "Fernwick", "Foxdale",
    "Goldenacre", "Greyfriar", "Harrowgate", "Hartmere", "Highbeck", "Hollybank", "Ironbridge",
    "Kestrel", "Kingsmere", "Lakeview", "Longmeadow", "Millrace", "Mossgate", "Northfold", "Oakhanger",
    "Orchardlea", "Otterburn", "Pinecrest", "Quarryside", "Ravenscar", "Redkite", "Ridgeway",
    "Rosehill", "Saltmarsh", "Sandpiper",
)
# fmt: on

TRADES: tuple[tuple[str, str], ...] = (
    ("Homes", "House building"),
    ("Developments", "Property development"),
    ("Builders", "Construction"),
    ("Architects", "Architecture"),
    ("Lettings", "Property management"),
    ("Care Homes", "Health care"),
    ("Hotels", "Hospitality"),
    ("Academy", "Education"),
    ("Housing Trust", "Social housing"),
    ("Joinery", "Construction"),
)
"""What stands behind a firm's name, and its industry."""

POSITIONS = (
    "Managing director",
    "Site manager",
    "Buyer",
    "Estates manager",
    "Project manager",
    "Architect",
    "Office manager",
)
SOURCES = ("Web site", "Telephone", "Recommendation", "Trade fair", "Showroom", "Partner")
LOST_REASONS = ("Price", "Delivery time", "Project cancelled", "Chose a competitor", "No answer")

TAGS = (
    "trade",
    "private",
    "new build",
    "listed building",
    "energy grant",
    "referral",
    "key account",
    "repeat client",
)

CALLS = (
    ("call", "First call", "Asked about the property, the number of windows and the time frame."),
    (
        "call",
        "Called about the quote",
        "Has read it and compares it with two others. Wants to decide this month.",
    ),
    ("meeting", "Showroom visit", "Looked at profiles and handles. Prefers grey outside and white inside."),
    ("meeting", "Site visit", "Took measurements of all openings. Scaffolding is needed at the back."),
    ("email", "Sent the quote", "Quote with drawings and delivery dates sent."),
    (
        "email",
        "Question about glazing",
        "Asked whether triple glazing pays off. Answered with the calculation.",
    ),
    ("note", "Access", "Parking only in front of number 12. Key with the neighbour until noon."),
    ("message", "Colour confirmed", "Anthracite outside, as on the sample."),
)
"""Kind, subject and text of what happened with a client."""

ERRANDS = (
    "Call back",
    "Send the quote",
    "Take measurements",
    "Agree the installation date",
    "Send the glazing samples",
    "Check the drawings",
    "Ask for the deposit",
)
