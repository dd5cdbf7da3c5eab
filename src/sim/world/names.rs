//! Names of people, companies and products. All invented: no real person, company or address is
//! meant, and all mail domains end in `.example`, which nobody can own.

use crate::sim::script::Language;

pub(crate) const VENDOR: &str = "Northlight";
pub(crate) const VENDOR_DOMAIN: &str = "northlight.example";
pub(crate) const PRODUCTS: [&str; 3] = ["Northlight Planner", "Northlight Dispatch", "Northlight Field"];
pub(crate) const PLANS: [&str; 3] = ["Team", "Business", "Enterprise"];
pub(crate) const COMPETITORS: [&str; 6] = ["Planora", "ShiftHarbor", "Acrewise", "Rosterly", "Taskwind", "Dayforge"];
pub(crate) const TOOLS: [&str; 6] =
    ["RouteBook 9", "an old version of Fieldbase", "Calendrix", "Jobsheet Pro", "DispoPlus", "WorkBoard"];

#[rustfmt::skip] // One a line would be pages of names.
pub(crate) const FIRST_NAMES: [&str; 96] = [
    "Mara", "Tobi", "Aiko", "Luis", "Ingrid", "Rajesh", "Fatima", "Søren", "Chloé", "Mateusz", "Nia", "Dmitri",
    "Yara", "Kwame", "Elif", "Hiroshi", "Amélie", "Giulia", "Pedro", "Anneke", "Sanjay", "Leila", "Bjørn", "Zoë",
    "Marek", "Adaeze", "Irina", "Omar", "Thandi", "Kemal", "Yuki", "Étienne", "Paola", "João", "Femke", "Priya",
    "Hassan", "Astrid", "Ian", "Katarzyna", "Chidi", "Sergei", "Salma", "Kofi", "Deniz", "Kenji", "Margaux", "Luca",
    "Beatriz", "Pieter", "Arjun", "Noor", "Lars", "Grace", "Paweł", "Ngozi", "Olga", "Yusuf", "Zanele", "Emre", "Mei",
    "Hugo", "Chiara", "Rafael", "Sanne", "Divya", "Samir", "Freja", "Owen", "Zofia", "Emeka", "Vera", "Layla",
    "Abena", "Aylin", "Jun", "Camille", "Marco", "Inês", "Daan", "Kavya", "Karim", "Nils", "Ruth", "Jakub", "Ifeoma",
    "Pavel", "Hana", "Sipho", "Can", "Linh", "Jürgen", "Sofía", "Andrés", "Maeve", "Tuan",
];

#[rustfmt::skip] // One a line would be pages of names.
pub(crate) const LAST_NAMES: [&str; 96] = [
    "Quist", "Oyelaran", "Tanaka", "Fuentes", "Bergström", "Iyer", "Haddad", "Mikkelsen", "Lefèvre", "Nowak",
    "Mwangi", "Volkov", "Barakat", "Asante", "Yılmaz", "Sato", "Moreau", "Ricci", "Carvalho", "de Vries", "Kapoor",
    "Nasser", "Halvorsen", "Whitlock", "Zieliński", "Okonkwo", "Petrova", "Aziz", "Dlamini", "Kaya", "Watanabe",
    "Girard", "Conti", "Almeida", "Bakker", "Menon", "Rahman", "Lindqvist", "Ashdown", "Kowalska", "Eze", "Smirnov",
    "Mansour", "Boateng", "Demir", "Kimura", "Fontaine", "Marino", "Teixeira", "Visser", "Reddy", "Khoury", "Nygaard",
    "Pemberton", "Wójcik", "Balogun", "Sokolova", "Farouk", "Khumalo", "Aydın", "Lin", "Chevalier", "Greco", "Pinto",
    "Smit", "Banerjee", "Saleh", "Dahl", "Hartley", "Lewandowska", "Obi", "Orlova", "Darwish", "Mensah", "Şahin",
    "Chen", "Roussel", "Ferrara", "Moreira", "Jansen", "Chopra", "Hamdan", "Solberg", "Kingsley", "Wiśniewski",
    "Nwosu", "Markov", "Novotná", "Ndlovu", "Özdemir", "Nguyen", "Weiß", "Navarro", "Ibáñez", "O'Rourke", "Tran",
];

/// First half of a company's name; the language of its calls comes with it.
#[rustfmt::skip] // One a line would be pages of names.
pub(crate) const COMPANY_STEMS: [(&str, Language); 60] = {
    use Language::{English, French, German, Spanish};
    [
        ("Harbor", English), ("Juniper", English), ("Redstone", English), ("Bluefin", English), ("Maple", English),
        ("Copper", English), ("Silverline", English), ("Granite", English), ("Lakeside", English),
        ("Summit", English), ("Ironwood", English), ("Sunfield", English), ("Westbrook", English),
        ("Falcon", English), ("Cedar", English), ("Orchard", English), ("Pinnacle", English), ("Riverbend", English),
        ("Beacon", English), ("Willow", English), ("Starling", English), ("Amber", English), ("Clearwater", English),
        ("Stonebridge", English), ("Heron", English), ("Foxglove", English), ("Eastgate", English),
        ("Larch", English), ("Kestrel", English), ("Meadow", English), ("Quarry", English), ("Tidal", English),
        ("Brightside", English), ("Hollow Oak", English), ("Sable", English), ("Thistle", English),
        ("Union", English), ("Vantage", English), ("Windmill", English), ("Yarrow", English), ("Arbor", English),
        ("Birch", English), ("Cobalt", English), ("Drift", English), ("Ember", English), ("Fern", English),
        ("Garnet", English), ("Hazel", English), ("Indigo", English), ("Jetty", English), ("Hohenfeld", German),
        ("Lindenhof", German), ("Rheintal", German), ("Sägewald", German), ("Rivaille", French),
        ("Montclair", French), ("Belleforêt", French), ("Sierra Clara", Spanish), ("Puerto Alba", Spanish),
        ("Valdeoro", Spanish),
    ]
};

/// Second half of a company's name, with its trade.
#[rustfmt::skip] // One a line would be pages of names.
pub(crate) const COMPANY_TRADES: [(&str, &str); 50] = [
    ("Freight Lines", "Logistics"), ("Elevators", "Building services"), ("Energy", "Energy"), ("Water", "Utilities"),
    ("Telecom", "Telecommunications"), ("Medical", "Healthcare"), ("Security", "Security services"),
    ("Facilities", "Building services"), ("Cooling", "Building services"), ("Solar", "Energy"),
    ("Networks", "Telecommunications"), ("Foods", "Food production"), ("Machines", "Manufacturing"),
    ("Dental", "Healthcare"), ("Properties", "Real estate"), ("Rail", "Logistics"), ("Insurance", "Insurance"),
    ("Printing", "Manufacturing"), ("Laundry", "Services"), ("Kitchens", "Retail"), ("Packaging", "Manufacturing"),
    ("Cleaning", "Services"), ("Gardens", "Services"), ("Robotics", "Manufacturing"), ("Optics", "Manufacturing"),
    ("Labs", "Healthcare"), ("Couriers", "Logistics"), ("Windows", "Construction"), ("Roofing", "Construction"),
    ("Heating", "Building services"), ("Hotels", "Hospitality"), ("Vending", "Retail"), ("Motors", "Automotive"),
    ("Marine", "Logistics"), ("Timber", "Construction"), ("Alarm", "Security services"), ("Parking", "Services"),
    ("Fitness", "Services"), ("Bakeries", "Food production"), ("Grid", "Utilities"), ("Pumps", "Manufacturing"),
    ("Tools", "Retail"), ("Charging", "Energy"), ("Care", "Healthcare"), ("Textiles", "Manufacturing"),
    ("Glass", "Construction"), ("Storage", "Logistics"), ("Pharma", "Healthcare"), ("Signals", "Telecommunications"),
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
}
