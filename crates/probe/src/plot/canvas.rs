//! Writing SVG: elements, escaped text, and the styles for light and dark.

use std::fmt::Write as _;

/// A picture is as wide as a README shows one; its panels lie between left and right.
pub(super) const WIDTH: f64 = 1000.0;
pub(super) const LEFT: f64 = 92.0;
pub(super) const RIGHT: f64 = 972.0;

/// Where a text's x is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture being drawn, back to front.
pub(super) struct Canvas {
    out: String,
}

/// Colours are apart in brightness too, for those who do not see red and green apart.
const STYLE: &str = "
text,tspan{font:13px ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:#24292f}
.back{fill:#fff}.title{font-size:17px;font-weight:650}.verdict{font-weight:650}.good{fill:#1a7f37}.bad{fill:#c4232b}
.quiet,.tick,.unit{fill:#59636e}.tick{font-size:12px}.panel{font-weight:600}.small{font-size:11px;fill:#59636e}
.grid{stroke:#d8dee4;stroke-width:1}.axis{stroke:#8c959f;stroke-width:1}
.version0{fill:#8db9ee}.version1{fill:#1f9d8a}.version2{fill:#8a63d2}.version3{fill:#d4a72c}.unknown{fill:#afb8c1}
.drop{fill:#d1242f}.median{stroke:#0a6fb8}.high{stroke:#c2640a}.longest{stroke:#afb8c1}
.median,.high,.longest{fill:none;stroke-width:1.8;stroke-linejoin:round}.longest{stroke-width:1.2}
.drop-text{fill:#c4232b}.median-text{fill:#0a6fb8}.high-text{fill:#a6530a}.longest-text{fill:#6e7781}
.event{stroke:#6e7781;stroke-width:1;stroke-dasharray:2 3;opacity:.65}
.serving{stroke-width:7;stroke-linecap:butt}.draining{stroke-width:7;stroke-dasharray:2 2;opacity:.75}
.s-version0{stroke:#8db9ee}.s-version1{stroke:#1f9d8a}.s-version2{stroke:#8a63d2}.s-version3{stroke:#d4a72c}
.s-unknown{stroke:#afb8c1}.dot{fill:#24292f}.ring{fill:#fff;stroke:#24292f;stroke-width:2}
@media(prefers-color-scheme:dark){
text,tspan{fill:#e6edf3}.back{fill:#0d1117}.good{fill:#4ac26b}.bad{fill:#ff7b72}
.quiet,.tick,.unit,.small{fill:#9198a1}.grid{stroke:#2a313c}.axis{stroke:#656c76}
.version0{fill:#3d6ea8}.version1{fill:#3fc7b0}.version2{fill:#a98be8}.version3{fill:#d9b44a}.unknown{fill:#656c76}
.s-version0{stroke:#3d6ea8}.s-version1{stroke:#3fc7b0}.s-version2{stroke:#a98be8}.s-version3{stroke:#d9b44a}
.s-unknown{stroke:#656c76}.drop{fill:#ff5d55}.median{stroke:#58a6ff}.high{stroke:#f0933a}.longest{stroke:#565e68}
.drop-text{fill:#ff7b72}.median-text{fill:#58a6ff}.high-text{fill:#f0933a}.longest-text{fill:#9198a1}
.event{stroke:#9198a1}.dot{fill:#e6edf3}.ring{fill:#0d1117;stroke:#e6edf3}}
";

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\">\n<style>{STYLE}</style>\n"
        );
        let _ = writeln!(out, "<rect class=\"back\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>");
        Self { out }
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }

    /// Draws a text.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        self.words(x, y, anchor, &[(class, text)]);
    }

    /// Draws texts of different classes behind each other. Only the reader's font knows how wide each is.
    pub(super) fn words(&mut self, x: f64, y: f64, anchor: Anchor, words: &[(&str, &str)]) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(self.out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"");
        if let [(class, text)] = words {
            let _ = write!(self.out, " class=\"{class}\">{}", escape(text));
        } else {
            self.out.push('>');
            for (i, (class, text)) in words.iter().enumerate() {
                let gap = if i == 0 { "" } else { " dx=\"7\"" };
                let _ = write!(self.out, "<tspan class=\"{class}\"{gap}>{}</tspan>", escape(text));
            }
        }
        self.out.push_str("</text>\n");
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"/>"
        );
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.out,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        );
    }

    pub(super) fn circle(&mut self, x: f64, y: f64, radius: f64, class: &str) {
        let _ =
            writeln!(self.out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" class=\"{class}\"/>");
    }

    /// A path through points, in one piece; closed and filled, or only drawn, as the class says.
    pub(super) fn path(&mut self, points: &[(f64, f64)], closed: bool, class: &str) {
        let mut data = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(data, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
        let _ = writeln!(self.out, "<path d=\"{data}{}\" class=\"{class}\"/>", if closed { "Z" } else { "" });
    }

    /// What is drawn next has this explanation for those who point at it.
    pub(super) fn group(&mut self, class: &str, explanation: &str, draw: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.out, "<g class=\"{class}\"><title>{}</title>", escape(explanation));
        draw(self);
        self.out.push_str("</g>\n");
    }
}

/// About how wide a text of this many pixels' size is, in a wide font.
pub(super) fn estimate(text: &str, size: f64) -> f64 {
    let narrow = |c: char| matches!(c, 'i' | 'l' | 'j' | '.' | ',' | ' ' | '·');
    text.chars().map(|c| if narrow(c) { 0.35 } else { 0.64 } * size).sum()
}

/// Text as XML takes it; control characters, which it takes in no form, become spaces.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
