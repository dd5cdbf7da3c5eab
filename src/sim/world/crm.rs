//! What the customer's CRM knows about a call and its people.

use serde_json::{Value, json};

use super::World;
use super::call::Call;
use super::head::Channel;
use crate::sim::rng::{Rng, Stream};

/// An object of the CRM.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    /// Null now and then, as met in the field.
    pub(crate) id: Option<String>,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

/// When the fields had their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timing {
    Now,
    TimeOfCall,
}

const STAGES: [&str; 6] = ["Qualification", "Discovery", "Evaluation", "Proposal", "Negotiation", "Closed Won"];

impl World {
    /// Account and opportunity of a call; empty for internal calls and the tenth that nobody linked.
    pub(crate) fn call_objects(&self, call: &Call, timing: Timing) -> Vec<Object> {
        let head = &call.head;
        let mut rng = Rng::new(self.config.seed, Stream::Details, &[u64::from(head.day), u64::from(head.index), 1]);
        if head.intent.is_internal() || head.channel == Channel::Upload || rng.chance(0.1) {
            return Vec::new();
        }
        let company = &call.company;
        let account = Object {
            kind: "Account",
            id: Some(format!("001SIM{:09}AAA", company.number)),
            fields: vec![
                ("Name", json!(company.name)),
                ("Industry", json!(company.industry)),
                ("BillingCity", json!(company.city)),
                ("NumberOfEmployees", json!(company.seats * 6)),
                ("Website", json!(format!("https://www.{}", company.domain))),
                ("Is_Customer__c", json!(if company.number.is_multiple_of(3) { "true" } else { "false" })),
                ("ParentId", Value::Null),
            ],
        };
        let deal = &call.deal;
        let mut rng =
            Rng::new(self.config.seed, Stream::Deal, &[u64::from(company.number), u64::from(deal.quarter), 1]);
        let stage = rng.index(4) + usize::from(timing == Timing::Now);
        let probability = [10, 25, 40, 60, 80, 100][stage];
        let cents = rng.below(2) as f64 / 2.0;
        let has_no_id = rng.chance(0.04);
        let opportunity = Object {
            kind: "Opportunity",
            id: (!has_no_id).then(|| format!("006SIM{:06}{:03}AAA", company.number, deal.quarter)),
            fields: vec![
                ("Name", json!(format!("{} – {}", company.name, deal.plan))),
                ("StageName", json!(STAGES[stage])),
                ("Amount", json!(deal.amount as f64 + cents)),
                ("Probability", json!(probability)),
                ("Competitors__c", json!([deal.competitor, "None"])),
                ("Discount_Steps__c", json!([5, deal.discount])),
                ("Loss_Reason__c", Value::Null),
                ("Renewal__c", json!(if rng.chance(0.4) { "true" } else { "false" })),
            ],
        };
        vec![account, opportunity]
    }

    /// What the CRM knows about a contact of the call's company.
    pub(crate) fn contact_object(&self, call: &Call, contact: u32) -> Option<Object> {
        let mut rng =
            Rng::new(self.config.seed, Stream::Contact, &[u64::from(call.company.number), u64::from(contact), 1]);
        if rng.chance(0.15) {
            return None;
        }
        let person = call.company.contact(self.config.seed, contact);
        let is_lead = rng.chance(0.1);
        let score = rng.below(100);
        // Of some the CRM's owner lets Gong see nothing but that they exist.
        let is_bare = rng.chance(0.1);
        Some(Object {
            kind: if is_lead { "Lead" } else { "Contact" },
            id: Some(format!("{}SIM{:08}{}AAA", if is_lead { "00Q" } else { "003" }, call.company.number, contact)),
            fields: match is_bare {
                true => Vec::new(),
                false => vec![
                    ("Name", json!(person.name)),
                    ("Title", json!(person.title)),
                    ("Score__c", json!(score)),
                    ("HasOptedOutOfEmail", json!("false")),
                ],
            },
        })
    }

    /// What the CRM knows about a user of Gong, who is a user of the CRM too.
    pub(crate) fn user_object(&self, number: u32) -> Object {
        let user = self.staff.user(number);
        Object {
            kind: "User",
            id: Some(format!("005SIM{number:09}AAA")),
            fields: vec![("Name", json!(user.full_name())), ("Title", json!(user.title))],
        }
    }
}
