//! What conversations are about, in the words of each language.

use crate::sim::script::{Intent, Language};

/// An industry in the middle of a sentence.
pub(crate) fn industry_spoken(industry: &'static str, language: Language) -> String {
    match language {
        Language::English => industry.to_lowercase(),
        _ => industry.to_owned(),
    }
}

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

/// Titles of calls by language and, inside, by the order of [`Intent`].
pub(crate) fn titles(language: Language, intent: Intent) -> &'static [&'static str] {
    use Intent::*;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_people_write_it() {
        assert_eq!(spoken_price(48_200, Language::English), "$48,200");
        assert_eq!(spoken_price(8_050, Language::German), "8.050 Euro");
    }
}
