//! The pages that links in letters lead to: confirming an address, setting a new password, undoing a change of address.
//! They are plain HTML without a script and without anything from elsewhere.
//!
//! Programs that scan mail follow its links, so a GET does nothing: it shows a form, and does not even ask the store. The
//! form does it.
//!
//! No cookie is set or looked at, and what a form does it does by the token or the code in it alone. So a page of another
//! site that makes somebody's browser send one gains nothing that it could not do by itself, and needs not be kept from it.

mod form;
mod html;
mod page;
mod sent;
mod view;

use std::sync::Arc;

use poem::{Request, Response, Route, endpoint::make, get};

use self::{form::Filled, page::Page, sent::Sent, view::View};
use super::{code::Code, problem::Problem, web::Web};
use crate::accounts::{Accounts, MailToken};

/// Adds the pages to `route`.
pub(super) fn add(route: Route) -> Route {
    Page::ALL.into_iter().fold(route, |route, page| {
        let shown = make(move |request| async move { show(page, &request) });
        route.at(page.path(), get(shown).post(make(move |request| receive(page, request))))
    })
}

/// Every page, with its methods.
pub(super) fn methods() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    Page::ALL.into_iter().map(|page| (page.path(), ["GET", "POST"].as_slice()))
}

/// What a link shows: the form for its token, or for a code when it has none. And what is shown after the form.
fn show(page: Page, request: &Request) -> poem::Result<Response> {
    let min_length = accounts_of(request)?.settings().passwords.min_length;
    let view = View { page, product: Web::of(request)?.product(), min_length };
    let (mut token, mut is_done) = (None, false);
    for (name, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        match &*name {
            "token" => token = Some(MailToken::new(&value)),
            "done" => is_done = true,
            _ => {}
        }
    }
    Ok(match token {
        None if is_done => view.done(),
        None => view.ask(&Filled::default()),
        Some(token) if token.is_well_formed() => view.ask(&Filled { token: Some(token), ..Filled::default() }),
        // A piece of a link, perhaps, whose rest is in the next line of the letter.
        Some(_) => view.refuse(&Problem::new(Code::ConfirmationInvalid), &Filled::default()),
    })
}

/// Does what a form asks for. Whoever then loads the page again sends nothing again.
async fn receive(page: Page, mut request: Request) -> poem::Result<Response> {
    let accounts = Arc::clone(accounts_of(&request)?);
    let sent = Sent::read(&mut request, &accounts).await?;
    let filled = sent.filled();
    let web = Web::of(&request)?;
    let Err(problem) = sent.act(page, &accounts, web.mail_request(&request)).await else {
        return Ok(view::go_to_done(page));
    };
    let min_length = accounts.settings().passwords.min_length;
    Ok(View { page, product: web.product(), min_length }.refuse(&problem, &filled))
}

fn accounts_of(request: &Request) -> Result<&Arc<Accounts>, Problem> {
    request.data::<Arc<Accounts>>().ok_or_else(|| Problem::new(Code::InternalError))
}
