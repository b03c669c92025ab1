//! The form of a page.

use std::fmt::Write;

use super::{html::Text, page::Page};
use crate::{
    accounts::{ConfirmationCode, MailToken},
    http::{code::FieldCode, problem::FieldProblem},
};

/// What is in a form already. A password never is.
#[derive(Default)]
pub(super) struct Filled {
    /// The token of a link, of the form of a token. With it, nobody is asked for a code.
    pub(super) token: Option<MailToken>,
    pub(super) email: String,
    pub(super) code: Option<ConfirmationCode>,
}

/// A field that people fill in.
struct Field<'a> {
    name: &'static str,
    label: &'static str,
    hint: &'a str,
    /// What a browser should know of it, as HTML.
    attributes: &'static str,
    value: &'a str,
}

impl Field<'_> {
    /// The field as HTML. What is wrong with it is tied to it.
    fn html(&self, errors: &[FieldProblem], takes_focus: &mut bool) -> String {
        let Self { name, label, hint, attributes, value } = self;
        let error = errors.iter().find(|error| error.field == *name);
        let mut html = format!("<label for=\"{name}\">{label}</label>\n");
        let mut described = Vec::new();
        if !hint.is_empty() {
            let _ = writeln!(html, "<p class=\"hint\" id=\"{name}-hint\">{}</p>", Text(hint));
            described.push(format!("{name}-hint"));
        }
        let mut state = String::new();
        if let Some(error) = error {
            let text = told(label, error);
            let _ = writeln!(html, "<p class=\"error\" id=\"{name}-error\" role=\"alert\">{}</p>", Text(&text));
            described.push(format!("{name}-error"));
            state.push_str(" aria-invalid=\"true\"");
            if std::mem::take(takes_focus) {
                state.push_str(" autofocus");
            }
        }
        if !described.is_empty() {
            let _ = write!(state, " aria-describedby=\"{}\"", described.join(" "));
        }
        if !value.is_empty() {
            let _ = write!(state, " value=\"{}\"", Text(value));
        }
        let _ = writeln!(html, "<input id=\"{name}\" name=\"{name}\" {attributes} required{state}>");
        html
    }
}

/// What is wrong with a field, in a sentence.
fn told(label: &str, error: &FieldProblem) -> String {
    match error.code {
        FieldCode::Required => "Please fill this in.".to_owned(),
        _ => format!("The {} {}.", label.to_lowercase(), error.message.trim_end_matches('.')),
    }
}

/// The form as HTML, with what is wrong with its fields.
pub(super) fn html(page: Page, filled: &Filled, errors: &[FieldProblem], min_length: usize) -> String {
    let length = format!(
        "At least {min_length} characters. A few words that do not belong together are easy to keep in mind and hard to \
         guess."
    );
    // Browsers would refuse addresses that are good, such as those with letters beyond ASCII before the `@`.
    let mut html = format!("<form method=\"post\" action=\"{}\" novalidate>\n", page.name());
    let mut fields = Vec::new();
    match &filled.token {
        Some(token) => {
            let _ = writeln!(html, "<input type=\"hidden\" name=\"token\" value=\"{}\">", Text(token.reveal()));
        }
        None => fields.extend([
            Field {
                name: "email",
                label: "Email address",
                hint: "",
                attributes: "type=\"email\" autocomplete=\"email\"",
                value: &filled.email,
            },
            Field {
                name: "code",
                label: "Code",
                hint: "The six digits in the letter. They are good for 10 minutes and 5 tries.",
                attributes: "inputmode=\"numeric\" autocomplete=\"one-time-code\"",
                value: filled.code.as_ref().map_or("", ConfirmationCode::reveal),
            },
        ]),
    }
    if page == Page::Reset {
        fields.push(Field {
            name: "password",
            label: "New password",
            hint: &length,
            attributes: "type=\"password\" autocomplete=\"new-password\"",
            value: "",
        });
    }
    let mut takes_focus = true;
    for field in fields {
        html.push_str(&field.html(errors, &mut takes_focus));
    }
    let _ = writeln!(html, "<button>{}</button>\n</form>", page.words().button);
    html
}
