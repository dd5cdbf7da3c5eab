//! The job file as a tree that knows where each key and value stands. Pure.
//!
//! Built here from the parser's events, because decoding straight into types would stop at the first
//! mistake, and because it keeps what types forget: the exact text of a number, the position of a key.
//! What the tree leaves out of YAML on purpose: anchors, aliases and tags (a few lines of them can
//! stand for gigabytes), and more than one document. Everything is bounded before it is stored.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle};

use super::problem::{Notes, Place, Position, Problem, quoted};
use super::yaml_error;

/// The largest job file that is looked at.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Lists and mappings inside of each other; a real job has five levels.
const LEVELS_MAX: usize = 32;
/// Keys and values; a real job has a few dozen, one with thousands of users a few thousand.
const NODES_MAX: usize = 50_000;

/// A value. Deliberately not `Debug`: it may be a secret.
pub(super) struct Node {
    /// Of a scalar its beginning; of a list, a mapping or nothing the key that names it, if any.
    pub(super) position: Position,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file, without repeated keys.
    Mapping(Vec<Entry>),
    /// Already reported; whatever is made of it is not worth another problem.
    Broken,
}

pub(super) struct Scalar {
    pub(super) text: String,
    /// Without quotes, so that it may be a number, a truth value or null.
    pub(super) plain: bool,
    /// As it stands in the file, when `text` came from variables.
    pub(super) written: Option<String>,
}

pub(super) struct Entry {
    pub(super) key: String,
    pub(super) position: Position,
    pub(super) value: Node,
}

impl Scalar {
    /// Nothing after the colon, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        self.plain && self.written.is_none() && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// A scalar as messages may show it: as it stands in the file, so that of `${VAR}` the name is
    /// shown and not what it stands for. Empty for all else.
    pub(super) fn shown(&self) -> &str {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.written.as_ref().unwrap_or(&scalar.text),
            Kind::List(_) | Kind::Mapping(_) | Kind::Broken => "",
        }
    }

    /// Whether any of it came from a variable.
    pub(super) fn has_variables(&self) -> bool {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.written.is_some(),
            Kind::List(items) => items.iter().any(Self::has_variables),
            Kind::Mapping(entries) => entries.iter().any(|entry| entry.value.has_variables()),
            Kind::Broken => false,
        }
    }

    /// The value of a key, when this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            Kind::Scalar(_) | Kind::List(_) | Kind::Broken => None,
        }
    }

    /// Takes some keys out of the mapping that is the value of `key`, where they are.
    pub(super) fn remove(&mut self, key: &str, inner: &[&str]) {
        let Kind::Mapping(entries) = &mut self.kind else { return };
        for entry in entries.iter_mut().filter(|entry| entry.key == key) {
            if let Kind::Mapping(entries) = &mut entry.value.kind {
                entries.retain(|entry| !inner.contains(&entry.key.as_str()));
            }
        }
    }
}

/// Reads a job file. Repeated keys are noted and the first one is kept; whatever leaves no tree at all
/// is the error.
pub(super) fn parse(bytes: &[u8], notes: &mut Notes) -> Result<Node, Problem> {
    let text = check_text(bytes)?;
    let mut builder = Builder { open: Vec::new(), root: None, nodes: 0, notes };
    let options = granit_parser::options! { emit_unresolved_aliases: true };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| match error.kind() {
            ErrorKind::RecursionLimitExceeded => too_deep(position_of(error.marker())),
            _ => yaml_error::problem(&error, position_of(error.marker())),
        })?;
        if let Some(tag) = &span.tag_start {
            return Err(no_tags(position_of(tag)));
        }
        builder.take(event, position_of(&span.start))?;
    }
    match builder.root {
        Some(Node { kind: Kind::Scalar(scalar), .. }) if scalar.is_null() => Err(empty()),
        Some(root) => Ok(root),
        None => Err(empty()),
    }
}

/// Refuses what is not text, or more of it than any job needs.
fn check_text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Problem::new(
            Place::File,
            format!("the file has {} bytes, more than the {FILE_BYTES_MAX} allowed", bytes.len()),
            "is this the right file? a job spec is a few dozen lines",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        Problem::at(end_of(&before), "the file is not UTF-8 from here on", "save it as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((offset, c)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
        return Err(Problem::at(
            end_of(&text[..offset]),
            format!("control character U+{:04X}", u32::from(c)),
            "remove it, or write it as an escape in double quotes",
        ));
    }
    Ok(text)
}

/// Where the character after `text` stands.
fn end_of(text: &str) -> Position {
    let last_line = text.rsplit('\n').next().unwrap_or(text);
    Position { line: text.matches('\n').count() + 1, column: last_line.chars().count() + 1 }
}

fn position_of(marker: &Marker) -> Position {
    // The parser counts columns from 0.
    Position { line: marker.line(), column: marker.col() + 1 }
}

fn empty() -> Problem {
    Problem::new(Place::File, "the file is empty", "`gong-export init` writes a commented job to start from")
}

fn too_deep(position: Position) -> Problem {
    Problem::at(
        position,
        format!("nested more than {LEVELS_MAX} levels deep"),
        "a job spec needs no more than five levels; look for brackets that are not closed",
    )
}

/// A list or mapping whose end has not come yet.
enum Open {
    List {
        position: Position,
        items: Vec<Node>,
    },
    Mapping {
        position: Position,
        entries: Vec<Entry>,
        seen: HashMap<String, Position>,
        key: Option<(String, Position)>,
    },
}

struct Builder<'a> {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    notes: &'a mut Notes,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, position: Position) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err(Problem::at(
                position,
                "a second document begins here",
                "keep one job to a file: remove the `---` or move what follows to a file of its own",
            )),
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _)
                if anchor != 0 =>
            {
                Err(no_anchors(position))
            }
            Event::Scalar(value, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let scalar = Scalar { text: value.into_owned(), plain, written: None };
                self.place(Node { position, kind: Kind::Scalar(scalar) })
            }
            Event::SequenceStart(..) => self.open(position, Open::List { position, items: Vec::new() }),
            Event::MappingStart(..) => {
                let (entries, seen) = (Vec::new(), HashMap::new());
                self.open(position, Open::Mapping { position, entries, seen, key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { position, items }) => self.place(Node { position, kind: Kind::List(items) }),
                Some(Open::Mapping { position, entries, .. }) => {
                    self.place(Node { position, kind: Kind::Mapping(entries) })
                }
                None => Ok(()),
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) | Event::Anchor(..) => Err(no_anchors(position)),
            // Stream and document edges; comments are compiled out of the parser.
            _ => Ok(()),
        }
    }

    fn open(&mut self, position: Position, open: Open) -> Result<(), Problem> {
        if self.open.len() == LEVELS_MAX {
            return Err(too_deep(position));
        }
        self.open.push(open);
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("more than {NODES_MAX} keys and values");
            return Err(Problem::at(node.position, message, "is this the right file? a job spec is a few dozen lines"));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, seen, key, .. }) => match key.take() {
                None => *key = Some(key_of(node)?),
                Some((key, position)) => {
                    if let Some(first) = seen.get(&key) {
                        self.notes.at(
                            position,
                            format!("duplicate key {}, already on line {}", quoted(&key), first.line),
                            "keep one of them",
                        );
                        return Ok(());
                    }
                    seen.insert(key.clone(), position);
                    let own_position = match &node.kind {
                        Kind::Scalar(scalar) => !scalar.is_null(),
                        Kind::List(_) | Kind::Mapping(_) | Kind::Broken => false,
                    };
                    let value_position = if own_position { node.position } else { position };
                    let value = Node { position: value_position, kind: node.kind };
                    entries.push(Entry { key, position, value });
                }
            },
        }
        Ok(())
    }
}

fn key_of(node: Node) -> Result<(String, Position), Problem> {
    match node.kind {
        Kind::Scalar(scalar) => Ok((scalar.text, node.position)),
        Kind::List(_) | Kind::Mapping(_) | Kind::Broken => Err(Problem::at(
            node.position,
            "a list or mapping stands where a key is expected",
            "write a key and a colon; put quotes around a value that begins with `[` or `{`",
        )),
    }
}

fn no_tags(position: Position) -> Problem {
    Problem::at(
        position,
        "YAML tags (`!`) are not supported",
        "remove the tag, or put quotes around a value that begins with `!`",
    )
}

fn no_anchors(position: Position) -> Problem {
    Problem::at(
        position,
        "YAML anchors and aliases (`&`, `*`) are not supported",
        "write the value out where it is needed, or put quotes around a value that begins with `&` or `*`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        parse(text.as_bytes(), &mut Notes::default()).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    fn refused(text: &str) -> String {
        match parse(text.as_bytes(), &mut Notes::default()) {
            Ok(_) => panic!("{text} was taken"),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn everything_knows_where_it_stands() {
        let tree = tree("# job\nname:  'é' \nrange: {from: \"a\\\n  b\", to: }\nusers:\n  hosts:\n  - mara\n");
        let place = |path: &[&str]| {
            let mut node = &tree;
            for key in path {
                node = &node.get(key).unwrap().value;
            }
            (node.position.line, node.position.column)
        };
        assert_eq!(place(&[]), (2, 1));
        assert_eq!(place(&["name"]), (2, 8));
        // What has no text of its own stands at its key.
        assert_eq!(place(&["range"]), (3, 1));
        assert_eq!(place(&["range", "from"]), (3, 15));
        assert_eq!(place(&["range", "to"]), (4, 7));
        assert_eq!(place(&["users", "hosts"]), (6, 3));
        let Kind::List(hosts) = &tree.get("users").unwrap().value.get("hosts").unwrap().value.kind else {
            panic!("no list");
        };
        assert_eq!((hosts[0].position.line, hosts[0].position.column), (7, 5));
    }

    #[test]
    fn scalars_keep_their_text_and_their_quotes() {
        let tree = tree("a: 007\nb: '007'\nc: |\n  x\n  y\nd: ~\ne: '~'\nf:\n");
        let scalar = |key: &str| match &tree.get(key).unwrap().value.kind {
            Kind::Scalar(scalar) => (scalar.text.clone(), scalar.plain, scalar.is_null()),
            _ => panic!("{key} is no scalar"),
        };
        assert_eq!(scalar("a"), ("007".into(), true, false));
        assert_eq!(scalar("b"), ("007".into(), false, false));
        assert_eq!(scalar("c"), ("x\ny\n".into(), false, false));
        assert_eq!(scalar("d"), ("~".into(), true, true));
        assert_eq!(scalar("e"), ("~".into(), false, false));
        assert!(scalar("f").2);
    }

    #[test]
    fn tags_are_refused_wherever_they_stand() {
        for text in [
            "a: !x b",
            "a: ! b",
            "a: !!str",
            "a: !<tag:x.example,2026:y> b",
            "!k a: b",
            "a: !!map {}",
            "!!set\na: b",
            "- !!seq [a]",
        ] {
            assert!(refused(text).contains("tags"), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn anchors_and_aliases_are_refused_wherever_they_stand() {
        for text in ["&a b", "a: &a", "&k a: b", "a: &a {b: c}", "- &a [b]", "*a : b", "[*a]", "a: &b !c d"] {
            let message = refused(text);
            assert!(message.contains("anchors") || message.contains("tags"), "{text}: {message}");
        }
    }

    #[test]
    fn levels_and_nodes_are_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        tree(&nested(LEVELS_MAX));
        assert!(refused(&nested(LEVELS_MAX + 1)).contains("levels"));
        let list = |items: usize| format!("[{}]", "a,".repeat(items));
        tree(&list(NODES_MAX - 1));
        assert!(refused(&list(NODES_MAX)).contains("keys and values"));
    }
}
