//! One note.

use std::fmt;

use segue_yaml::{Pointer, Stream};

use super::{Origin, Rule, Spot};
use crate::objects::{Address, Object};

/// What a note says: a sentence that may hold for several objects, and the detail that is this one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    detail: Option<String>,
    text: String,
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self { detail: None, text }
    }
}

/// A detail, and the sentence.
impl<D: Into<String>, T: Into<String>> From<(D, T)> for Words {
    fn from((detail, text): (D, T)) -> Self {
        Self { detail: Some(detail.into()), text: text.into() }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(detail) = &self.detail {
            write!(f, "{detail}: ")?;
        }
        f.write_str(&self.text)
    }
}

/// Something that a reader must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which rule says it.
    pub rule: Rule,
    /// The object that it is about, such as `Deployment shop/web`; `None` if it is the input as a whole.
    pub object: Option<String>,
    /// Where it comes from, if it is about an object.
    pub origin: Option<Origin>,
    /// What of it differs between objects of which the same is said, such as `port 8080`.
    pub detail: Option<String>,
    /// What there is to know, in sentences, without the object and the detail.
    pub text: String,
}

impl Note {
    /// About an object, at a place below its root.
    pub(crate) fn of(rule: Rule, (object, below): (&Object, &Pointer), words: impl Into<Words>) -> Self {
        let origin = Origin::File { address: object.address.clone(), below: below.clone() };
        Self::at(rule, object.to_string(), origin, words)
    }

    /// About an object, and where it comes from.
    pub(crate) fn at(rule: Rule, object: String, origin: Origin, words: impl Into<Words>) -> Self {
        let Words { detail, text } = words.into();
        Self { rule, object: Some(object), origin: Some(origin), detail, text }
    }

    /// About the input as a whole.
    pub(crate) fn of_all(rule: Rule, words: impl Into<Words>) -> Self {
        let Words { detail, text } = words.into();
        Self { rule, object: None, origin: None, detail, text }
    }

    /// What there is to know, with the detail, without the object.
    pub fn message(&self) -> String {
        Words { detail: self.detail.clone(), text: self.text.clone() }.to_string()
    }

    /// The object that it is about.
    pub(super) fn address(&self) -> Option<&Address> {
        self.origin.as_ref().map(|Origin::File { address, .. }| address)
    }

    /// Its object stands elsewhere: the text that it was found in was a part of another.
    pub(crate) fn move_to(&mut self, place: impl Fn(&mut Address)) {
        if let Some(Origin::File { address, .. }) = &mut self.origin {
            place(address);
        }
    }

    /// Where it comes from in these texts: those that were given to inject.
    pub fn spot(&self, streams: &[Stream]) -> Option<Spot> {
        self.origin.as_ref()?.spot(streams)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.object, &self.detail) {
            (Some(object), Some(detail)) => write!(f, "{object} ({detail}): ")?,
            (Some(subject), None) | (None, Some(subject)) => write!(f, "{subject}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.text)
    }
}
