"""The words the demo data is made of. Every name is invented; addresses end in .example, which nobody can own."""

TEAMS = (
    ("Nordics", "Northern Europe", ("Astrid Holm", "Jonas Ekberg", "Maja Lind")),
    ("Central", "Central Europe", ("Clara Vogt", "Felix Brandt", "Nora Adler")),
    ("Atlantic", "Western Europe", ("Owen Price", "Aoife Byrne", "Luc Moreau")),
)

CITIES = (
    ("Stockholm", "Sweden", "Europe/Stockholm"),
    ("Hamburg", "Germany", "Europe/Berlin"),
    ("Dublin", "Ireland", "Europe/Dublin"),
    ("Copenhagen", "Denmark", "Europe/Copenhagen"),
    ("Vienna", "Austria", "Europe/Vienna"),
    ("Lyon", "France", "Europe/Paris"),
    ("Leeds", "United Kingdom", "Europe/London"),
    ("Oslo", "Norway", "Europe/Oslo"),
)

COMPANIES = (
    ("Alderbrook Mills", "manufacturing"), ("Arcwell Energy", "energy"), ("Bellhaven Foods", "food"),
    ("Birchgate Logistics", "logistics"), ("Bluefen Software", "software"), ("Bramley Dental", "health"),
    ("Cairnfield Media", "media"), ("Cindermoor Steel", "manufacturing"), ("Claywater Homes", "construction"),
    ("Copperdale Retail", "retail"), ("Coldspring Dairy", "food"), ("Dunmarsh Ports", "logistics"),
    ("Eastlock Security", "software"), ("Elderfold Clinics", "health"), ("Fernhollow Books", "retail"),
    ("Flintbridge Bank", "finance"), ("Foxglove Studios", "media"), ("Gablewood Furniture", "manufacturing"),
    ("Glasswing Optics", "manufacturing"), ("Greyharbour Shipping", "logistics"), ("Hazelmere Schools", "education"),
    ("Highmast Telecom", "telecom"), ("Ironvale Rail", "logistics"), ("Juniper Lane Hotels", "travel"),
    ("Kestrel Analytics", "software"), ("Larkspur Insurance", "finance"), ("Limepit Ceramics", "manufacturing"),
    ("Marlowe Garden Tools", "retail"), ("Millrace Hydro", "energy"), ("Northbeam Solar", "energy"),
    ("Oakhurst Pharmacy", "health"), ("Pebblecroft Toys", "retail"), ("Quayside Catering", "food"),
    ("Ravenscar Mining", "manufacturing"), ("Saltmarsh Fisheries", "food"), ("Silverthorn Legal", "services"),
    ("Tannerfield Sports", "retail"), ("Underhill Cloud", "software"), ("Wexcombe Airlines", "travel"),
    ("Yarrowdale Farms", "food"),
)  # fmt: skip

FIRST_NAMES = (
    "Anna", "Bilal", "Carmen", "David", "Elin", "Farah", "Georg", "Hanna", "Ivan", "Julia", "Karim", "Lea", "Marco",
    "Nadia", "Oskar", "Paula", "Quentin", "Rosa", "Stefan", "Tove", "Umar", "Vera", "Wiktor", "Yasmin",
)  # fmt: skip

LAST_NAMES = (
    "Abrams", "Berg", "Costa", "Dahl", "Engel", "Fontaine", "Garcia", "Hughes", "Ivarsson", "Jansen", "Keller",
    "Larsen", "Meyer", "Novak", "Olsen", "Petit", "Quist", "Rossi", "Schmidt", "Toth", "Ullman", "Varga", "Walsh",
)  # fmt: skip

JOB_TITLES = (
    "Head of Operations", "Purchasing Manager", "Chief Financial Officer", "IT Manager", "Office Manager",
    "Managing Director", "Warehouse Lead",
)  # fmt: skip

OFFERS = (
    ("Annual plan", 1_200),
    ("Onboarding", 450),
    ("Premium support", 800),
    ("Integration project", 2_500),
    ("Additional seats", 90),
    ("Renewal", 1_500),
)

REQUESTS = (
    "Cannot export the monthly report",
    "Invoice shows the wrong address",
    "How to add a second warehouse",
    "Sign-in link has expired",
    "Import stops at row 40",
    "Please add dark mode",
    "Totals differ between two screens",
)

CATEGORIES = ("problem", "billing", "question", "problem", "problem", "request", "question")
