//! What is answered: a form, that it is done, or why it is not.

use poem::{
    Response,
    http::{HeaderName, HeaderValue, StatusCode, header},
};

use super::{
    form::{self, Filled},
    html::{self, Text},
    page::Page,
};
use crate::http::{
    code::Code,
    problem::{FieldProblem, Problem},
};

const MEDIA_TYPE: &str = "text/html; charset=utf-8";
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// A page, as a service shows it.
pub(super) struct View<'a> {
    pub(super) page: Page,
    /// What the service calls itself.
    pub(super) product: &'a str,
    /// The least number of characters of a password.
    pub(super) min_length: usize,
}

impl View<'_> {
    /// What there is to fill in.
    pub(super) fn ask(&self, filled: &Filled) -> Response {
        let heading = self.page.words().heading;
        let page = html::document(heading, heading, self.product, &self.form(filled, &[]));
        dressed(Response::builder().content_type(MEDIA_TYPE).body(page))
    }

    /// That it is done.
    pub(super) fn done(&self) -> Response {
        let words = self.page.words();
        let main = format!("<p>{}</p>\n", words.done);
        let page = html::document(words.done_heading, words.done_heading, self.product, &main);
        dressed(Response::builder().content_type(MEDIA_TYPE).body(page))
    }

    /// Why it is not done, and the form once more where that makes sense.
    pub(super) fn refuse(&self, problem: &Problem, filled: &Filled) -> Response {
        let code = problem.code();
        let mut main = String::new();
        if let Some(reason) = self.reason(problem, filled) {
            main = format!("<p class=\"error\" role=\"alert\">{}</p>\n", Text(&reason));
        }
        let is_over = match code {
            Code::EmailTaken => true,
            Code::ConfirmationInvalid => filled.token.is_some() || !self.page.takes_codes(),
            _ => false,
        };
        if !is_over {
            main.push_str(&self.form(filled, problem.errors()));
        }
        let heading = self.page.words().heading;
        let page = html::document(&format!("Error: {heading}"), heading, self.product, &main);
        let mut response = problem.respond(MEDIA_TYPE, page);
        response.set_data(code); // for the log
        dressed(response)
    }

    fn form(&self, filled: &Filled, errors: &[FieldProblem]) -> String {
        let words = self.page.words();
        let has_form = filled.token.is_some() || self.page.takes_codes();
        let lead = if filled.token.is_some() { words.with_token } else { words.without_token };
        let form = if has_form { form::html(self.page, filled, errors, self.min_length) } else { String::new() };
        format!("<p>{lead}</p>\n{form}")
    }

    /// What is said of a failure, unless the fields say it.
    fn reason(&self, problem: &Problem, filled: &Filled) -> Option<String> {
        let later = match problem.retry_after() {
            Some(seconds) => format!("Please try again in {}.", spelled(seconds)),
            None => "Please try again later.".to_owned(),
        };
        Some(match problem.code() {
            Code::ValidationFailed => return None,
            Code::ConfirmationInvalid if filled.code.is_some() => {
                "The code or the email address is not right, or the code is too old or was tried too often.".to_owned()
            }
            Code::ConfirmationInvalid => format!(
                "This link does not work: it may be incomplete, too old or used, or there is a newer one. {}",
                self.page.words().instead
            ),
            Code::EmailTaken => {
                "Another account has this email address by now, so yours keeps the one that it has.".to_owned()
            }
            Code::TooManyAttempts => format!("There were too many attempts. {later}"),
            _ => format!("This cannot be done at the moment. {later}"),
        })
    }
}

/// Leads to the page that says that it is done, which may be loaded again. There is no token in its address.
pub(super) fn go_to_done(page: Page) -> Response {
    let response = Response::builder().status(StatusCode::SEE_OTHER);
    dressed(response.header(header::LOCATION, format!("{}?done=1", page.name())).finish())
}

/// The answer with the headers of a page.
fn dressed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(html::CONTENT_SECURITY_POLICY));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
    response
}

fn spelled(seconds: u64) -> String {
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        91..=5400 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_people_do_and_is_never_too_short() {
        for (seconds, text) in [
            (0, "a second"),
            (2, "2 seconds"),
            (90, "90 seconds"),
            (91, "2 minutes"),
            (5400, "90 minutes"),
            (5401, "2 hours"),
            (86_400, "24 hours"),
        ] {
            assert_eq!(spelled(seconds), text);
        }
    }
}
