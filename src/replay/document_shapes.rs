//! The fields of the format that have two ways of being written, a short one and a long one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};

use super::deserialize::Text;
use super::document::{BySpanDoc, FigureDoc, OneOrMany, OriginDoc};
use super::document_expect::{AlertDoc, AlertEntryDoc, OccursDoc, OthersDoc, WhenDoc};
use super::names;
use super::tree::{Kind, Node};
use crate::text::Span;

/// Reads a part of a node that was read already. The parts are few and fixed, so a plain match does.
fn text_of<E: Error>(node: &Node, what: &str) -> Result<Text, E> {
    match &node.kind {
        Kind::Scalar { text, plain } => Ok(Text { text: text.to_string(), span: node.span, plain: *plain }),
        _ => Err(E::custom(format_args!("expected {what}, found {}", node.describe()))),
    }
}

fn unknown<E: Error>(key: &Text, known: &[&str]) -> E {
    let hint = names::hint(&key.text, "the fields here are", known.iter().copied());
    E::custom(format_args!("unknown field `{}`; {hint}", key.text))
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrMany, D::Error> {
        let node = Node::deserialize(deserializer)?;
        match &node.kind {
            Kind::List(items) => {
                items.iter().map(|item| text_of(item, "a text")).collect::<Result<_, _>>().map(OneOrMany)
            }
            _ => text_of(&node, "a text or a list of texts").map(|text| OneOrMany(vec![text])),
        }
    }
}

impl JsonSchema for OneOrMany {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    }
}

fn figure<E: Error>(node: &Node) -> Result<FigureDoc, E> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Ok(FigureDoc { value: text_of(node, "a figure")?, between: None, origin: OriginDoc::default() });
    }
    let (mut value, mut between) = (None, None);
    let mut origin = OriginDoc::default();
    for (key, entry) in node.entries() {
        let key = text_of::<E>(key, "a field")?;
        if key.text == "between" {
            between = Some(bounds(entry)?);
            continue;
        }
        let text = text_of::<E>(entry, "a text")?;
        match key.text.as_str() {
            "value" => value = Some(text),
            "source" => origin.source = Some(text),
            "assumed" => origin.assumed = Some(text),
            "fitted" => origin.fitted = Some(text),
            "recorded" => origin.recorded = Some(text),
            _ => return Err(unknown(&key, &["value", "between", "source", "assumed", "fitted", "recorded"])),
        }
    }
    let value = value.ok_or_else(|| E::custom("a figure without `value`"))?;
    Ok(FigureDoc { value, between, origin })
}

/// `between: [1/s, 4/s]`.
fn bounds<E: Error>(node: &Node) -> Result<[Text; 2], E> {
    match &node.kind {
        Kind::List(items) if items.len() == 2 => Ok([text_of(&items[0], "a figure")?, text_of(&items[1], "a figure")?]),
        _ => Err(E::custom("`between` takes two figures; write `between: [1/s, 4/s]`")),
    }
}

impl<'de> Deserialize<'de> for FigureDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FigureDoc, D::Error> {
        figure(&Node::deserialize(deserializer)?)
    }
}

impl JsonSchema for FigureDoc {
    fn schema_name() -> Cow<'static, str> {
        "Figure".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        json_schema!({
            "description": "A figure with its unit, alone or with where it comes from.",
            "anyOf": [text.clone(), {
                "type": "object",
                "properties": {
                    "value": text,
                    "between": {"type": "array", "items": text, "minItems": 2, "maxItems": 2, "description": "What it may as well be: `--shake` tries both, instead of half and double."},
                    "source": {"type": "string", "description": "Documented: the place that says it."},
                    "assumed": {"type": "string", "description": "Assumed: why."},
                    "fitted": {"type": "string", "description": "Fitted: to what."},
                    "recorded": {"type": "string", "description": "Recorded: by what."},
                },
                "required": ["value"],
                "additionalProperties": false,
            }],
        })
    }
}

impl<'de> Deserialize<'de> for BySpanDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BySpanDoc, D::Error> {
        let node = Node::deserialize(deserializer)?;
        if !matches!(node.kind, Kind::Map(_)) || node.get("value").is_some() {
            return figure(&node).map(|figure| BySpanDoc::Always(Box::new(figure)));
        }
        let entry = |(key, value): &(Node, Node)| Ok((text_of(key, "the name of a span")?, figure(value)?));
        node.entries().iter().map(entry).collect::<Result<_, _>>().map(BySpanDoc::Spans)
    }
}

impl JsonSchema for BySpanDoc {
    fn schema_name() -> Cow<'static, str> {
        "BySpan".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let figure = generator.subschema_for::<FigureDoc>();
        json_schema!({
            "description": "One figure, or figures by the name of a span; `else` is for the rest of the time.",
            "anyOf": [figure.clone(), {"type": "object", "additionalProperties": figure}],
        })
    }
}

impl<'de> Deserialize<'de> for AlertEntryDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AlertEntryDoc, D::Error> {
        /// What stands behind the selector.
        #[derive(Debug)]
        enum Does {
            Word(Text),
            Fields(Box<AlertDoc>),
        }
        impl<'de> Deserialize<'de> for Does {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Does, D::Error> {
                struct DoesVisitor;
                impl<'de> serde::de::Visitor<'de> for DoesVisitor {
                    type Value = Does;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("`never`, or a mapping with active, fires, resolves, times")
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<Does, E> {
                        Ok(Does::Word(Text { text: text.to_owned(), span: Span::default(), plain: true }))
                    }
                    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Does, D::Error> {
                        AlertDoc::deserialize(deserializer).map(|does| Does::Fields(Box::new(does)))
                    }
                }
                deserializer.deserialize_newtype_struct(super::deserialize::WORD_OR_FIELDS, DoesVisitor)
            }
        }
        struct EntryVisitor;
        impl<'de> serde::de::Visitor<'de> for EntryVisitor {
            type Value = AlertEntryDoc;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("one alert and what it does: `- NAME{label=\"value\"}: never`")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<AlertEntryDoc, A::Error> {
                let missing = || A::Error::custom("an empty entry; write `- ALERTNAME: never`");
                let (selector, does): (Text, Does) = map.next_entry()?.ok_or_else(missing)?;
                if map.next_entry::<Text, Node>()?.is_some() {
                    return Err(A::Error::custom("two alerts in one entry; begin each with its own `-`"));
                }
                let does = match does {
                    Does::Fields(does) => *does,
                    Does::Word(word) if word.text == "never" => {
                        let span = selector.span;
                        AlertDoc { fires: Some(OccursDoc::Never(Text { span, ..word })), ..AlertDoc::default() }
                    }
                    Does::Word(word) => {
                        return Err(A::Error::custom(format_args!(
                            "`{}` is not what an alert does; write `never`, or `{{fires: {{...}}}}`",
                            word.text
                        )));
                    }
                };
                Ok(AlertEntryDoc { selector, does })
            }
        }
        deserializer.deserialize_map(EntryVisitor)
    }
}

impl JsonSchema for AlertEntryDoc {
    fn schema_name() -> Cow<'static, str> {
        "AlertExpectation".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let does = generator.subschema_for::<AlertDoc>();
        json_schema!({
            "description": "One alert, selected by name and labels, and what it does.",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": {"anyOf": [{"const": "never"}, does]},
        })
    }
}

impl<'de> Deserialize<'de> for OccursDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OccursDoc, D::Error> {
        let node = Node::deserialize(deserializer)?;
        if !matches!(node.kind, Kind::Map(_)) {
            let word = text_of::<D::Error>(&node, "`never`, or a mapping with at, within, after, before")?;
            return match word.text.as_str() {
                "never" => Ok(OccursDoc::Never(word)),
                _ => Err(D::Error::custom(format_args!(
                    "`{}` says no time; write `never`, or `{{at: \"15:09:00\"}}`",
                    word.text
                ))),
            };
        }
        let mut when = WhenDoc::default();
        for (key, value) in node.entries() {
            let key = text_of::<D::Error>(key, "a field")?;
            let text = Some(text_of::<D::Error>(value, "a time")?);
            match key.text.as_str() {
                "at" => when.at = text,
                "within" => when.within = text,
                "after" => when.after = text,
                "before" => when.before = text,
                _ => return Err(unknown(&key, &["at", "within", "after", "before"])),
            }
        }
        Ok(OccursDoc::When(when, node.span))
    }
}

impl JsonSchema for OccursDoc {
    fn schema_name() -> Cow<'static, str> {
        "Occurs".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let when = generator.subschema_for::<WhenDoc>();
        json_schema!({"description": "`never`, or when.", "anyOf": [{"const": "never"}, when]})
    }
}

impl<'de> Deserialize<'de> for OthersDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OthersDoc, D::Error> {
        let node = Node::deserialize(deserializer)?;
        if !matches!(node.kind, Kind::Map(_)) {
            let word = text_of::<D::Error>(&node, "`silent`, or labels")?;
            return match word.text.as_str() {
                "silent" => Ok(OthersDoc::Silent(word)),
                _ => Err(D::Error::custom(format_args!(
                    "`{}`: write `silent`, or labels as in `{{severity: page}}`",
                    word.text
                ))),
            };
        }
        let pair = |(key, value): &(Node, Node)| Ok((text_of(key, "a label")?, text_of(value, "the label's value")?));
        node.entries().iter().map(pair).collect::<Result<_, _>>().map(OthersDoc::Labels)
    }
}

impl JsonSchema for OthersDoc {
    fn schema_name() -> Cow<'static, str> {
        "Others".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`silent`: no other alert fires; or labels: no other alert with these labels fires.",
            "anyOf": [{"const": "silent"}, {"type": "object", "additionalProperties": {"type": "string"}}],
        })
    }
}
