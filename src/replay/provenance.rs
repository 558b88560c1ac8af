//! Where figures come from, and what a series rests on.

use super::deserialize::Text;
use crate::labels::Labels;
use crate::text::{Diagnostic, Span};

/// The kinds of origin, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Assumed,
    Fitted,
    Documented,
    Recorded,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Assumed => "assumed",
            Kind::Fitted => "fitted",
            Kind::Documented => "documented",
            Kind::Recorded => "recorded",
        }
    }
}

/// Where one figure comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Which figure: `spans.stuck`, `events.attempt`, `metrics.SERIES`, `metrics.SERIES.backlog.in`.
    pub what: String,
    pub kind: Kind,
    /// The place that says it, why it is assumed, to what it was fitted, or what recorded it.
    pub text: String,
    pub place: Span,
}

/// What one series rests on.
#[derive(Clone, Debug)]
pub struct SeriesProvenance {
    pub labels: Labels,
    /// The weakest of what the metric says and of its figures.
    pub kind: Kind,
    /// All figures, those of the events and spans behind it too.
    pub figures: Vec<Figure>,
    /// It is the `up` of a target without gaps: nobody wrote it, and that it is always 1 is assumed.
    pub implied: bool,
}

/// Reads the four keys, of which at most one may be written.
pub fn figure(
    what: impl Into<String>,
    [source, assumed, fitted, recorded]: [&Option<Text>; 4],
) -> Result<Option<Figure>, (Span, Diagnostic)> {
    let written =
        [(Kind::Documented, source), (Kind::Assumed, assumed), (Kind::Fitted, fitted), (Kind::Recorded, recorded)];
    let mut found = written.into_iter().filter_map(|(kind, text)| text.as_ref().map(|text| (kind, text)));
    let Some((kind, text)) = found.next() else { return Ok(None) };
    if let Some((_, second)) = found.next() {
        let problem =
            Diagnostic::error("a figure with two origins").help("keep one of source, assumed, fitted, recorded");
        return Err((second.span, problem));
    }
    Ok(Some(Figure { what: what.into(), kind, text: text.text.clone(), place: text.span }))
}

/// What a series with these figures counts as: the weakest of what the metric says and what it rests on. A documented counter
/// of a fitted span is fitted.
pub fn overall(own: Option<Kind>, figures: &[Figure]) -> Kind {
    own.into_iter().chain(figures.iter().map(|figure| figure.kind)).min().unwrap_or(Kind::Assumed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Text> {
        Some(Text { text: text.to_owned(), span: Span::new(1, 2), plain: true })
    }

    #[test]
    fn a_figure_has_one_origin() {
        assert_eq!(figure("x", [&None, &None, &None, &None]).unwrap(), None);
        let one = figure("x", [&None, &text("why"), &None, &None]).unwrap().unwrap();
        assert_eq!((one.kind, one.text.as_str()), (Kind::Assumed, "why"));
        assert!(figure("x", [&text("a"), &text("b"), &None, &None]).is_err());
    }

    #[test]
    fn a_series_is_as_weak_as_its_weakest_figure() {
        let documented = figure("a", [&text("doc"), &None, &None, &None]).unwrap().unwrap();
        let fitted = figure("b", [&None, &None, &text("alert"), &None]).unwrap().unwrap();
        let figures = [documented, fitted];
        assert_eq!(overall(None, &figures), Kind::Fitted);
        assert_eq!(overall(Some(Kind::Documented), &figures), Kind::Fitted);
        assert_eq!(overall(Some(Kind::Assumed), &figures), Kind::Assumed);
        assert_eq!(overall(None, &[]), Kind::Assumed);
    }
}
