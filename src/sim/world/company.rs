//! The companies that are called, the people who work there, the deals they are worth. Each is
//! computed from its number alone.

use super::names;
use crate::sim::rng::{Rng, Stream};
use crate::sim::script::Language;

/// People known at each company.
pub(crate) const CONTACTS: u32 = 6;

/// Names that the stems, trades and legal forms can make.
const NAMES: u64 = (names::COMPANY_STEMS.len() * names::COMPANY_TRADES.len() * 8) as u64;

#[derive(Debug, Clone)]
pub(crate) struct Company {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) industry: &'static str,
    pub(crate) city: &'static str,
    /// People in the field, hence licences.
    pub(crate) seats: u32,
    /// What they use today.
    pub(crate) tool: &'static str,
}

/// Which combination of words makes the name: a step that shares no factor with the number of names
/// meets each once.
fn name_number(seed: u64, number: u32) -> u64 {
    (u64::from(number) * 7919 + seed % NAMES) % NAMES
}

/// The language of a company's calls, without computing the rest.
pub(crate) fn language(seed: u64, number: u32) -> Language {
    names::COMPANY_STEMS[(name_number(seed, number) % names::COMPANY_STEMS.len() as u64) as usize].1
}

impl Company {
    pub(crate) fn new(seed: u64, number: u32) -> Self {
        let combination = name_number(seed, number);
        let stems = names::COMPANY_STEMS.len() as u64;
        let trades = names::COMPANY_TRADES.len() as u64;
        let (stem, language) = names::COMPANY_STEMS[(combination % stems) as usize];
        let (trade, industry) = names::COMPANY_TRADES[(combination / stems % trades) as usize];
        let form = names::company_forms(language)[(combination / stems / trades) as usize % 8];
        let mut rng = Rng::new(seed, Stream::Company, &[u64::from(number)]);
        let name = format!("{stem} {trade}{form}");
        let domain = format!("{}.example", names::plain(&name));
        let seats = 20 + 5 * rng.below(80) as u32;
        Self {
            number,
            name,
            domain,
            industry,
            city: rng.pick(names::cities(language)),
            seats,
            tool: rng.pick(&names::TOOLS),
        }
    }

    /// One of the [`CONTACTS`] people there.
    pub(crate) fn contact(&self, seed: u64, number: u32) -> Contact {
        let mut rng = Rng::new(seed, Stream::Contact, &[u64::from(self.number), u64::from(number)]);
        // Steps through the names, so that two contacts of one company never share one.
        let start = Rng::new(seed, Stream::Contact, &[u64::from(self.number)]).below(96) as usize;
        let first_name = names::FIRST_NAMES[(start + 17 * number as usize) % names::FIRST_NAMES.len()];
        let last_name = rng.pick(&names::LAST_NAMES);
        let (first, last) = (names::plain(first_name), names::plain(last_name));
        let local = if rng.chance(0.3) { format!("{}.{last}", &first[..1]) } else { format!("{first}.{last}") };
        let has_email = !rng.chance(0.05);
        let has_name = !rng.chance(0.02);
        let title = rng.pick(&names::BUYER_TITLES);
        let has_title = !rng.chance(0.15);
        let phone = format!("+1 555-01{:02}", rng.below(100));
        let has_phone = rng.chance(0.35);
        Contact {
            first_name,
            name: has_name.then(|| format!("{first_name} {last_name}")),
            email: has_email.then(|| format!("{local}@{}", self.domain)),
            title: has_title.then_some(title),
            phone: has_phone.then_some(phone),
        }
    }

    /// What is on the table in a quarter of a year, counted from 1970.
    pub(crate) fn deal(&self, seed: u64, quarter: u32) -> Deal {
        let mut rng = Rng::new(seed, Stream::Deal, &[u64::from(self.number), u64::from(quarter)]);
        let plan = rng.index(names::PLANS.len());
        let seat_price = [240, 360, 540][plan] + 10 * rng.below(6);
        let amount = u64::from(self.seats) * seat_price;
        Deal {
            quarter,
            plan: names::PLANS[plan],
            amount,
            discount: 5 + rng.below(4) * 5 / 2,
            competitor: rng.pick(&names::COMPETITORS),
            product: rng.pick(&names::PRODUCTS),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub(crate) first_name: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) title: Option<&'static str>,
    pub(crate) phone: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Deal {
    pub(crate) quarter: u32,
    pub(crate) plan: &'static str,
    /// A year's price, in whole units of money.
    pub(crate) amount: u64,
    /// Percent.
    pub(crate) discount: u64,
    pub(crate) competitor: &'static str,
    pub(crate) product: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_domains_are_unique() {
        let companies: Vec<Company> = (0..NAMES as u32).map(|n| Company::new(11, n)).collect();
        let names: BTreeSet<&str> = companies.iter().map(|c| c.name.as_str()).collect();
        let domains: BTreeSet<&str> = companies.iter().map(|c| c.domain.as_str()).collect();
        assert_eq!((names.len(), domains.len()), (companies.len(), companies.len()));
        assert!(companies.iter().any(|c| c.name.ends_with("GmbH") && language(11, c.number) == Language::German));
    }

    #[test]
    fn contacts_of_a_company_have_different_first_names() {
        let company = Company::new(7, 3);
        let names: BTreeSet<&str> = (0..CONTACTS).map(|n| company.contact(7, n).first_name).collect();
        assert_eq!(names.len(), CONTACTS as usize);
    }
}
