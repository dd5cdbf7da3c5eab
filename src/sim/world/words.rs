//! The invented words the world is made of: names, companies, products, places. No real person,
//! company or address; all mail domains end in `.example`, which nobody can own.

use super::super::script::Language;

pub(crate) const VENDOR: &str = "Northlight";
pub(crate) const VENDOR_DOMAIN: &str = "northlight.example";
pub(crate) const PRODUCTS: [&str; 3] = ["Northlight Planner", "Northlight Dispatch", "Northlight Field"];
pub(crate) const PLANS: [&str; 3] = ["Team", "Business", "Enterprise"];
pub(crate) const COMPETITORS: [&str; 6] = ["Planora", "ShiftHarbor", "Acrewise", "Rosterly", "Taskwind", "Dayforge"];
pub(crate) const TOOLS: [&str; 6] =
    ["RouteBook 9", "an old version of Fieldbase", "Calendrix", "Jobsheet Pro", "DispoPlus", "WorkBoard"];

pub(crate) const FIRST_NAMES: [&str; 96] = [
    "Mara",
    "Tobi",
    "Aiko",
    "Luis",
    "Ingrid",
    "Rajesh",
    "Fatima",
    "Søren",
    "Chloé",
    "Mateusz",
    "Nia",
    "Dmitri",
    "Yara",
    "Kwame",
    "Elif",
    "Hiroshi",
    "Amélie",
    "Giulia",
    "Pedro",
    "Anneke",
    "Sanjay",
    "Leila",
    "Bjørn",
    "Zoë",
    "Marek",
    "Adaeze",
    "Irina",
    "Omar",
    "Thandi",
    "Kemal",
    "Yuki",
    "Étienne",
    "Paola",
    "João",
    "Femke",
    "Priya",
    "Hassan",
    "Astrid",
    "Ian",
    "Katarzyna",
    "Chidi",
    "Sergei",
    "Salma",
    "Kofi",
    "Deniz",
    "Kenji",
    "Margaux",
    "Luca",
    "Beatriz",
    "Pieter",
    "Arjun",
    "Noor",
    "Lars",
    "Grace",
    "Paweł",
    "Ngozi",
    "Olga",
    "Yusuf",
    "Zanele",
    "Emre",
    "Mei",
    "Hugo",
    "Chiara",
    "Rafael",
    "Sanne",
    "Divya",
    "Samir",
    "Freja",
    "Owen",
    "Zofia",
    "Emeka",
    "Vera",
    "Layla",
    "Abena",
    "Aylin",
    "Jun",
    "Camille",
    "Marco",
    "Inês",
    "Daan",
    "Kavya",
    "Karim",
    "Nils",
    "Ruth",
    "Jakub",
    "Ifeoma",
    "Pavel",
    "Hana",
    "Sipho",
    "Can",
    "Linh",
    "Jürgen",
    "Sofía",
    "Andrés",
    "Maeve",
    "Tuan",
];

pub(crate) const LAST_NAMES: [&str; 96] = [
    "Quist",
    "Oyelaran",
    "Tanaka",
    "Fuentes",
    "Bergström",
    "Iyer",
    "Haddad",
    "Mikkelsen",
    "Lefèvre",
    "Nowak",
    "Mwangi",
    "Volkov",
    "Barakat",
    "Asante",
    "Yılmaz",
    "Sato",
    "Moreau",
    "Ricci",
    "Carvalho",
    "de Vries",
    "Kapoor",
    "Nasser",
    "Halvorsen",
    "Whitlock",
    "Zieliński",
    "Okonkwo",
    "Petrova",
    "Aziz",
    "Dlamini",
    "Kaya",
    "Watanabe",
    "Girard",
    "Conti",
    "Almeida",
    "Bakker",
    "Menon",
    "Rahman",
    "Lindqvist",
    "Ashdown",
    "Kowalska",
    "Eze",
    "Smirnov",
    "Mansour",
    "Boateng",
    "Demir",
    "Kimura",
    "Fontaine",
    "Marino",
    "Teixeira",
    "Visser",
    "Reddy",
    "Khoury",
    "Nygaard",
    "Pemberton",
    "Wójcik",
    "Balogun",
    "Sokolova",
    "Farouk",
    "Khumalo",
    "Aydın",
    "Lin",
    "Chevalier",
    "Greco",
    "Pinto",
    "Smit",
    "Banerjee",
    "Saleh",
    "Dahl",
    "Hartley",
    "Lewandowska",
    "Obi",
    "Orlova",
    "Darwish",
    "Mensah",
    "Şahin",
    "Chen",
    "Roussel",
    "Ferrara",
    "Moreira",
    "Jansen",
    "Chopra",
    "Hamdan",
    "Solberg",
    "Kingsley",
    "Wiśniewski",
    "Nwosu",
    "Markov",
    "Novotná",
    "Ndlovu",
    "Özdemir",
    "Nguyen",
    "Weiß",
    "Navarro",
    "Ibáñez",
    "O'Rourke",
    "Tran",
];

/// First half of a company's name; the language of its calls comes with it.
pub(crate) const COMPANY_STEMS: [(&str, Language); 60] = {
    use Language::{English, French, German, Spanish};
    [
        ("Harbor", English),
        ("Juniper", English),
        ("Redstone", English),
        ("Bluefin", English),
        ("Maple", English),
        ("Copper", English),
        ("Silverline", English),
        ("Granite", English),
        ("Lakeside", English),
        ("Summit", English),
        ("Ironwood", English),
        ("Sunfield", English),
        ("Westbrook", English),
        ("Falcon", English),
        ("Cedar", English),
        ("Orchard", English),
        ("Pinnacle", English),
        ("Riverbend", English),
        ("Beacon", English),
        ("Willow", English),
        ("Starling", English),
        ("Amber", English),
        ("Clearwater", English),
        ("Stonebridge", English),
        ("Heron", English),
        ("Foxglove", English),
        ("Eastgate", English),
        ("Larch", English),
        ("Kestrel", English),
        ("Meadow", English),
        ("Quarry", English),
        ("Tidal", English),
        ("Brightside", English),
        ("Hollow Oak", English),
        ("Sable", English),
        ("Thistle", English),
        ("Union", English),
        ("Vantage", English),
        ("Windmill", English),
        ("Yarrow", English),
        ("Arbor", English),
        ("Birch", English),
        ("Cobalt", English),
        ("Drift", English),
        ("Ember", English),
        ("Fern", English),
        ("Garnet", English),
        ("Hazel", English),
        ("Indigo", English),
        ("Jetty", English),
        ("Hohenfeld", German),
        ("Lindenhof", German),
        ("Rheintal", German),
        ("Sägewald", German),
        ("Rivaille", French),
        ("Montclair", French),
        ("Belleforêt", French),
        ("Sierra Clara", Spanish),
        ("Puerto Alba", Spanish),
        ("Valdeoro", Spanish),
    ]
};

/// Second half of a company's name, with its trade.
pub(crate) const COMPANY_TRADES: [(&str, &str); 50] = [
    ("Freight Lines", "Logistics"),
    ("Elevators", "Building services"),
    ("Energy", "Energy"),
    ("Water", "Utilities"),
    ("Telecom", "Telecommunications"),
    ("Medical", "Healthcare"),
    ("Security", "Security services"),
    ("Facilities", "Building services"),
    ("Cooling", "Building services"),
    ("Solar", "Energy"),
    ("Networks", "Telecommunications"),
    ("Foods", "Food production"),
    ("Machines", "Manufacturing"),
    ("Dental", "Healthcare"),
    ("Properties", "Real estate"),
    ("Rail", "Logistics"),
    ("Insurance", "Insurance"),
    ("Printing", "Manufacturing"),
    ("Laundry", "Services"),
    ("Kitchens", "Retail"),
    ("Packaging", "Manufacturing"),
    ("Cleaning", "Services"),
    ("Gardens", "Services"),
    ("Robotics", "Manufacturing"),
    ("Optics", "Manufacturing"),
    ("Labs", "Healthcare"),
    ("Couriers", "Logistics"),
    ("Windows", "Construction"),
    ("Roofing", "Construction"),
    ("Heating", "Building services"),
    ("Hotels", "Hospitality"),
    ("Vending", "Retail"),
    ("Motors", "Automotive"),
    ("Marine", "Logistics"),
    ("Timber", "Construction"),
    ("Alarm", "Security services"),
    ("Parking", "Services"),
    ("Fitness", "Services"),
    ("Bakeries", "Food production"),
    ("Grid", "Utilities"),
    ("Pumps", "Manufacturing"),
    ("Tools", "Retail"),
    ("Charging", "Energy"),
    ("Care", "Healthcare"),
    ("Textiles", "Manufacturing"),
    ("Glass", "Construction"),
    ("Storage", "Logistics"),
    ("Pharma", "Healthcare"),
    ("Signals", "Telecommunications"),
    ("Broadband", "Telecommunications"),
];

pub(crate) fn company_forms(language: Language) -> [&'static str; 8] {
    match language {
        Language::English => ["", " Group", " Ltd", " Inc.", " Partners", " & Sons", " Holdings", " Co."],
        Language::German => [" GmbH", " AG", " KG", " GmbH & Co. KG", " Gruppe", " SE", " & Söhne", " Service"],
        Language::French => [" SA", " SARL", " SAS", " Groupe", " & Fils", " Services", " France", " Frères"],
        Language::Spanish => [" SA", " SL", " Grupo", " Hermanos", " Servicios", " e Hijos", " Ibérica", " Sur"],
    }
}

pub(crate) fn cities(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => {
            &["Denver", "Leeds", "Austin", "Bristol", "Toronto", "Portland", "Dublin", "Columbus", "Melbourne"]
        }
        Language::German => &["Kassel", "Graz", "Leipzig", "Bremen", "Luzern"],
        Language::French => &["Lyon", "Nantes", "Liège", "Grenoble"],
        Language::Spanish => &["Sevilla", "Bilbao", "Mérida", "Valencia"],
    }
}

/// An industry in the middle of a sentence.
pub(crate) fn industry_spoken(industry: &'static str, language: Language) -> String {
    match language {
        Language::English => industry.to_lowercase(),
        _ => industry.to_owned(),
    }
}

pub(crate) const BUYER_TITLES: [&str; 12] = [
    "COO",
    "Head of Operations",
    "Service Manager",
    "IT Director",
    "Head of Field Service",
    "Operations Manager",
    "CFO",
    "Procurement Lead",
    "Planning Lead",
    "Systems Administrator",
    "Regional Manager",
    "VP Operations",
];

pub(crate) fn modules(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &[
            "route planning",
            "the customer portal",
            "inventory tracking",
            "the forecast module",
            "skills matching",
            "the reporting module",
            "shift swapping",
            "the contractor portal",
        ],
        Language::German => {
            &["die Tourenplanung", "das Kundenportal", "die Lagerverwaltung", "die Prognose", "die Auswertungen"]
        }
        Language::French => {
            &["la planification des tournées", "le portail client", "la gestion des stocks", "les rapports"]
        }
        Language::Spanish => {
            &["la planificación de rutas", "el portal de clientes", "la gestión de almacén", "los informes"]
        }
    }
}

pub(crate) fn pains(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &[
            "planners spend Mondays repairing the plan",
            "nobody knows where the technicians are",
            "half of the overtime is driving",
            "customers wait a whole day for a visit",
            "every region plans in its own spreadsheet",
            "changes never reach the people on the road",
        ],
        Language::German => &[
            "die Pläne stimmen am Montag schon nicht mehr",
            "niemand weiß, wo die Techniker gerade sind",
            "die Hälfte der Überstunden ist Fahrzeit",
            "jede Region plant in ihrer eigenen Tabelle",
        ],
        Language::French => &[
            "le planning n'est plus juste dès le lundi",
            "personne ne sait où sont les techniciens",
            "la moitié des heures supplémentaires se passe sur la route",
        ],
        Language::Spanish => &[
            "el plan ya no sirve el lunes",
            "nadie sabe dónde están los técnicos",
            "la mitad de las horas extra se pasan en la carretera",
        ],
    }
}

pub(crate) fn issues(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => &[
            "the app shows yesterday's jobs",
            "nobody can sign in",
            "the map stays empty",
            "finished jobs come back as open",
            "the export stops halfway",
        ],
        Language::German => {
            &["die App zeigt die Aufträge von gestern", "die Karte bleibt leer", "niemand kann sich anmelden"]
        }
        Language::French => &["l'application montre les interventions d'hier", "la carte reste vide"],
        Language::Spanish => &["la aplicación muestra los trabajos de ayer", "el mapa se queda vacío"],
    }
}

pub(crate) fn weekdays(language: Language) -> [&'static str; 5] {
    match language {
        Language::English => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
        Language::German => ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"],
        Language::French => ["lundi", "mardi", "mercredi", "jeudi", "vendredi"],
        Language::Spanish => ["lunes", "martes", "miércoles", "jueves", "viernes"],
    }
}

pub(crate) fn months(language: Language) -> [&'static str; 12] {
    match language {
        Language::English => [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        Language::German => [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        Language::French => [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        Language::Spanish => [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
    }
}

/// A day as people say it.
pub(crate) fn spoken_date(month0: u32, day: u32, language: Language) -> String {
    let month = months(language)[month0 as usize % 12];
    match language {
        Language::English => format!("{month} {day}"),
        Language::German => format!("{day}. {month}"),
        Language::French => format!("{day} {month}"),
        Language::Spanish => format!("{day} de {month}"),
    }
}

/// A whole amount of money as people read it out.
pub(crate) fn spoken_price(amount: u64, language: Language) -> String {
    let (thousands, rest) = (amount / 1000, amount % 1000);
    match language {
        Language::English => format!("${thousands},{rest:03}"),
        Language::German | Language::Spanish => format!("{thousands}.{rest:03} Euro"),
        Language::French => format!("{thousands} {rest:03} euros"),
    }
}

/// Titles of calls by language and, inside, by the order of [`super::super::script::Intent`].
pub(crate) fn titles(language: Language, intent: super::super::script::Intent) -> &'static [&'static str] {
    use super::super::script::Intent::*;
    match (language, intent) {
        (Language::German, Support) => &["Support: {company}", "{company} – Ticket {ticket}"],
        (Language::German, Renewal) => &["{company} – Vertragsverlängerung", "Jahresgespräch {company}"],
        (Language::German, _) => {
            &["{company} <> Northlight: Vorstellung", "Termin mit {company}", "{company} – Abstimmung"]
        }
        (Language::French, Support) => &["Assistance : {company}"],
        (Language::French, _) => &["{company} / Northlight : échange", "Point avec {company}"],
        (Language::Spanish, Support) => &["Soporte: {company}"],
        (Language::Spanish, _) => &["{company} y Northlight: reunión", "Llamada con {company}"],
        (Language::English, Discovery) => &[
            "{company} – discovery",
            "Intro: {company} <> Northlight",
            "{company} / first conversation",
            "Getting to know {company}",
        ],
        (Language::English, Demo) => {
            &["{company} – demo of {product}", "Demo: {company}", "{product} walkthrough for {company}"]
        }
        (Language::English, Negotiation) => {
            &["{company} – contract", "{company}: proposal review", "Terms with {company}"]
        }
        (Language::English, Renewal) => {
            &["{company} – renewal check-in", "{company}: yearly review", "Renewal {company}"]
        }
        (Language::English, Support) => {
            &["Support: {company}", "{company} – ticket {ticket}", "Follow-up on ticket {ticket}"]
        }
        (Language::English, ColdCall) => &["Call with {company}", "{rep} > {company}", "Outbound call: {company}"],
        (Language::English, Voicemail) => &["Call with {company}", "{rep} > {company}"],
        (Language::English, Standup) => &["Team stand-up", "Daily stand-up", "Sales huddle"],
        (Language::English, Forecast) => &["Forecast call", "Pipeline review", "Weekly forecast: {month}"],
    }
}

/// Titles that test whoever displays them: emoji, right-to-left scripts, scripts without spaces.
pub(crate) const UNUSUAL_TITLES: [&str; 6] = [
    "🚀 {company} kick-off",
    "{company} 🤝 Northlight",
    "פגישת היכרות עם {company}",
    "اجتماع تعريفي مع {company}",
    "{company}様 定例会議",
    "\"{company}\" \\ weekly, 10\u{202f}% off?",
];

/// Latin letters without accents, lower case, for addresses; everything else becomes nothing.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            plain.push(character);
            continue;
        }
        plain.push_str(match character {
            'á' | 'à' | 'â' | 'ã' | 'å' => "a",
            'ä' | 'æ' => "ae",
            'ç' => "c",
            'é' | 'è' | 'ê' | 'ë' => "e",
            'í' | 'ì' | 'î' | 'ï' | 'ı' => "i",
            'ł' => "l",
            'ñ' | 'ń' => "n",
            'ó' | 'ò' | 'ô' | 'õ' => "o",
            'ö' | 'ø' => "oe",
            'ś' | 'ş' => "s",
            'ß' => "ss",
            'ú' | 'ù' | 'û' => "u",
            'ü' => "ue",
            'ź' | 'ż' | 'ž' => "z",
            _ => "",
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_gives_an_address() {
        for name in FIRST_NAMES.iter().chain(&LAST_NAMES) {
            assert!(!plain(name).is_empty(), "{name}");
        }
        assert_eq!(plain("Zoë Wójcik-O'Rourke"), "zoewojcikorourke");
    }

    #[test]
    fn money_reads_as_people_write_it() {
        assert_eq!(spoken_price(48_200, Language::English), "$48,200");
        assert_eq!(spoken_price(8_050, Language::German), "8.050 Euro");
    }
}
