//! One call: who was there, what it was called, and the facts that its sentences mention.

use chrono::{Datelike, Days, Weekday};

use super::company::{CONTACTS, Company, Contact, Deal};
use super::conversation::Conversation;
use super::head::{Channel, Head};
use super::{World, names, words};
use crate::sim::ids::{Id, Kind};
use crate::sim::rng::{Rng, Stream};
use crate::sim::script::{Facts, Intent, Language, Role, Slot};

/// Who takes a seat in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// By number.
    User(u32),
    /// A contact of the call's company, by number.
    Contact(u32),
}

/// A place in a call, taken or only offered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) who: Who,
    pub(crate) invited: bool,
    pub(crate) attended: bool,
    /// Whose part in the script this person speaks.
    pub(crate) role: Option<Role>,
    /// Whether Gong recognised a user as one.
    pub(crate) linked: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) head: Head,
    /// The other side; in internal calls the account that is talked about.
    pub(crate) company: Company,
    pub(crate) deal: Deal,
    pub(crate) seats: Vec<Seat>,
    pub(crate) facts: Facts,
    pub(crate) title: String,
}

/// A person of a call, as Gong lists them.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) id: Id,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) title: Option<&'static str>,
    pub(crate) user: Option<u32>,
    pub(crate) speaker_id: Option<Id>,
    pub(crate) affiliation: &'static str,
    pub(crate) phone: Option<String>,
    pub(crate) invited: bool,
    pub(crate) attended: bool,
    /// Number of the contact in the CRM.
    pub(crate) contact: Option<u32>,
}

impl World {
    /// Who sits in a call; the host comes first. Cheap, so that statistics can ask for every call.
    pub(crate) fn seats(&self, head: &Head) -> Vec<Seat> {
        let mut rng = Rng::new(self.config.seed, Stream::Seats, &[u64::from(head.day), u64::from(head.index)]);
        let at = head.started();
        let conference = head.channel.is_conference();
        let mut seats = vec![Seat {
            who: Who::User(head.host),
            invited: conference,
            attended: true,
            role: Some(Role::Rep),
            linked: true,
        }];
        let mut add = |who: Option<Who>, role: Option<Role>, attended: bool, linked: bool| {
            if let Some(who) = who
                && !seats.iter().any(|seat| seat.who == who)
            {
                seats.push(Seat { who, invited: conference && (role.is_some() || !attended), attended, role, linked });
            }
        };
        if head.intent.is_internal() {
            add(self.staff.colleague(at, &mut rng).map(Who::User), Some(Role::Colleague), true, true);
            add(self.staff.colleague(at, &mut rng).map(Who::User), Some(Role::Other), true, true);
            for _ in 0..rng.below(4) {
                let linked = !rng.chance(0.02);
                let attended = rng.chance(0.7);
                add(self.staff.colleague(at, &mut rng).map(Who::User), None, attended, linked);
            }
            return seats;
        }
        let first = rng.below(u64::from(CONTACTS)) as u32;
        let contact = |step: u32| Some(Who::Contact((first + step) % CONTACTS));
        add(contact(0), Some(Role::Buyer), true, true);
        if !conference {
            return seats;
        }
        let wants_engineer = matches!(head.intent, Intent::Demo | Intent::Discovery | Intent::Negotiation);
        let (second, silent, absent) = (rng.chance(0.55), rng.chance(0.12), rng.chance(0.25));
        let engineer = self.staff.engineer(at, &mut rng).filter(|_| rng.chance(0.45) && wants_engineer);
        let manager = self.staff.user(head.host).manager.filter(|_| rng.chance(0.08));
        let linked = !rng.chance(0.02);
        add(engineer.map(Who::User), Some(Role::Colleague), true, true);
        add(contact(1).filter(|_| second), Some(Role::Other), true, true);
        add(contact(2).filter(|_| silent), None, true, true);
        add(contact(3).filter(|_| absent), None, false, true);
        add(manager.map(Who::User), None, true, linked);
        seats
    }

    pub(crate) fn call(&self, head: &Head) -> Call {
        let seed = self.config.seed;
        let company = Company::new(seed, head.company);
        let date = self.day_of(head.started());
        let quarter = (date.year().max(1970) as u32 - 1970) * 4 + date.month0() / 3;
        let deal = company.deal(seed, quarter);
        let seats = self.seats(head);
        let mut rng = Rng::new(seed, Stream::Details, &[u64::from(head.day), u64::from(head.index)]);
        let facts = self.facts(head, &company, &deal, &seats, &mut rng);
        let title = title(head, &facts, &mut rng);
        Call { head: *head, company, deal, seats, facts, title }
    }

    fn facts(&self, head: &Head, company: &Company, deal: &Deal, seats: &[Seat], rng: &mut Rng) -> Facts {
        let language = head.language;
        let seated =
            |role| seats.iter().find(|seat| seat.role == Some(role)).map(|seat| self.first_name(company, seat.who));
        // People who are not in the call can still be talked about.
        let absent = |number: u32| company.contact(self.config.seed, number % CONTACTS).first_name.to_owned();
        let buyer = seated(Role::Buyer).unwrap_or_else(|| absent(0));
        let other = seated(Role::Other).unwrap_or_else(|| absent(head.index + 4));
        let rep = seated(Role::Rep).unwrap_or_default();
        let colleague = seated(Role::Colleague).unwrap_or_else(|| rep.clone());
        let modules = words::modules(language);
        let module = rng.index(modules.len());
        let module2 = (module + 1 + rng.index(modules.len() - 1)) % modules.len();
        let date = self.day_of(head.started());
        let next = working_day(date + Days::new(rng.between(4, 16) as u64));
        let month = date + Days::new(rng.between(40, 150) as u64);
        let weekday = words::weekdays(language)[rng.index(5)];
        let number = |low, high, rng: &mut Rng| rng.between(low, high).to_string();
        let (weeks, hours, percent, count) =
            (number(2, 8, rng), number(4, 18, rng), number(6, 38, rng), number(3, 14, rng));
        let minutes = if head.duration > 2400 { "60" } else { "30" };
        let pain = rng.pick(words::pains(language));
        let issue = rng.pick(words::issues(language));
        let version = format!("{}.{}", rng.between(4, 6), rng.between(0, 12));
        let ticket = number(10_000, 99_999, rng);
        Facts::new(|slot| match slot {
            Slot::Vendor => names::VENDOR.to_owned(),
            Slot::Rep => rep.clone(),
            Slot::Colleague => colleague.clone(),
            Slot::Buyer => buyer.clone(),
            Slot::Other => other.clone(),
            Slot::Company => company.name.clone(),
            Slot::Industry => words::industry_spoken(company.industry, language),
            Slot::City => company.city.to_owned(),
            Slot::Product => deal.product.to_owned(),
            Slot::Plan => deal.plan.to_owned(),
            Slot::Module => modules[module].to_owned(),
            Slot::Module2 => modules[module2].to_owned(),
            Slot::Competitor => deal.competitor.to_owned(),
            Slot::Tool => company.tool.to_owned(),
            Slot::Price => words::spoken_price(deal.amount, language),
            Slot::Discount => deal.discount.to_string(),
            Slot::Seats => company.seats.to_string(),
            Slot::Weekday => weekday.to_owned(),
            Slot::Date => words::spoken_date(next.month0(), next.day(), language),
            Slot::Month => words::months(language)[month.month0() as usize].to_owned(),
            Slot::Weeks => weeks.clone(),
            Slot::Hours => hours.clone(),
            Slot::Minutes => minutes.to_owned(),
            Slot::Percent => percent.clone(),
            Slot::Count => count.clone(),
            Slot::Pain => pain.to_owned(),
            Slot::Issue => issue.to_owned(),
            Slot::Version => version.clone(),
            Slot::Ticket => ticket.clone(),
        })
    }

    fn first_name(&self, company: &Company, who: Who) -> String {
        match who {
            Who::User(number) => self.staff.user(number).first_name.clone(),
            Who::Contact(number) => company.contact(self.config.seed, number).first_name.to_owned(),
        }
    }

    pub(crate) fn speaker_id(&self, head: &Head, seat: usize) -> Id {
        self.ids.of(Kind::Speaker, head.day, head.index, seat as u32)
    }

    /// The parties in Gong's words; `None` for imported calls, which have no list of them.
    /// `conversation` says who spoke, and is `None` when nobody knows.
    pub(crate) fn parties(&self, call: &Call, conversation: Option<&Conversation>) -> Option<Vec<Party>> {
        if call.head.channel == Channel::Upload {
            return None;
        }
        let head = &call.head;
        let mut callers = 0;
        let parties = call.seats.iter().enumerate().map(|(at, seat)| {
            let spoke = conversation.is_some_and(|c| c.talk_ms(at) > 0);
            let mut party = Party {
                id: self.ids.of(Kind::Party, head.day, head.index, at as u32),
                email: None,
                name: None,
                title: None,
                user: None,
                speaker_id: spoke.then(|| self.speaker_id(head, at)),
                affiliation: "Internal",
                phone: None,
                invited: seat.invited,
                attended: seat.attended,
                contact: None,
            };
            match seat.who {
                Who::User(number) => {
                    let user = self.staff.user(number);
                    party.name = Some(user.full_name());
                    party.title = user.title;
                    if seat.linked {
                        party.email = Some(user.email.clone());
                        party.user = Some(number);
                        party.phone = user.phone.clone();
                    }
                }
                Who::Contact(number) => {
                    let contact = call.company.contact(self.config.seed, number);
                    if is_unknown_caller(head, number) {
                        callers += 1;
                        party.name = Some(format!("Phone Caller #{callers}"));
                        party.affiliation = "Unknown";
                        party.phone = contact.phone;
                    } else {
                        let Contact { name, email, title, phone, .. } = contact;
                        (party.name, party.email, party.title, party.phone) = (name, email, title, phone);
                        party.affiliation = "External";
                        party.contact = Some(number);
                    }
                }
            }
            party
        });
        Some(parties.collect())
    }
}

/// Some people who call by telephone are nobody that Gong knows.
fn is_unknown_caller(head: &Head, contact: u32) -> bool {
    !head.channel.is_conference() && (head.index + contact).is_multiple_of(4)
}

fn working_day(day: chrono::NaiveDate) -> chrono::NaiveDate {
    match day.weekday() {
        Weekday::Sat => day + Days::new(2),
        Weekday::Sun => day + Days::new(1),
        _ => day,
    }
}

fn title(head: &Head, facts: &Facts, rng: &mut Rng) -> String {
    let usual = rng.pick(words::titles(head.language, head.intent));
    let unusual = rng.pick(&words::UNUSUAL_TITLES);
    let is_unusual = rng.chance(0.04) && !head.intent.is_internal() && head.language == Language::English;
    let mut title = if is_unusual { unusual } else { usual }.to_owned();
    for (slot, name) in [
        (Slot::Company, "{company}"),
        (Slot::Product, "{product}"),
        (Slot::Rep, "{rep}"),
        (Slot::Ticket, "{ticket}"),
        (Slot::Month, "{month}"),
    ] {
        title = title.replace(name, facts.get(slot));
    }
    title
}
