//! The texts of all letters, in all languages there are: English is built in, and a folder may replace it and add others.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    letter::LetterKind,
    template::{Field, Template},
};

/// What there is a text of when there is none in another language.
const ENGLISH: &str = "en";

macro_rules! built_in {
    ($($kind:ident $name:literal)*) => {
        [$((
            LetterKind::$kind,
            include_str!(concat!("templates/en/", $name, ".txt")),
            include_str!(concat!("templates/en/", $name, ".html")),
        )),*]
    };
}

const BUILT_IN: [(LetterKind, &str, &str); 8] = built_in! {
    Verification "verification"
    EmailChange "email_change"
    PasswordReset "password_reset"
    Invitation "invitation"
    AlreadyRegistered "already_registered"
    EmailChanged "email_changed"
    EmailReplaced "email_replaced"
    PasswordChanged "password_changed"
};

/// A file that is no template, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", .0.display(), .1)]
pub struct InvalidTemplate(PathBuf, String);

/// The text of one letter in one language.
#[derive(Debug)]
pub(super) struct Text {
    /// Its BCP 47 tag.
    pub(super) language: String,
    pub(super) subject: Template,
    pub(super) plain: Template,
    pub(super) html: Template,
}

/// All texts, by kind and by language in lower case.
#[derive(Debug)]
pub(super) struct Texts(BTreeMap<(LetterKind, String), Text>);

impl Texts {
    /// Those that are built in, and those in this folder, as `<language>/<kind>.txt` and `<language>/<kind>.html`. Each of
    /// the two needs the other. Names that begin with a dot are not looked at.
    ///
    /// # Errors
    /// [`InvalidTemplate`], which names the file.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, InvalidTemplate> {
        let mut texts = Self(BTreeMap::new());
        for (kind, plain, html) in BUILT_IN {
            let file = Path::new(kind.name());
            texts.add(kind, ENGLISH, (file, plain), (file, html))?;
        }
        for (path, name) in folder.map_or_else(|| Ok(Vec::new()), entries)? {
            if !path.is_dir() || !is_language(&name) {
                return wrong(&path, "a folder is needed that is named for a language, such as de or pt-BR");
            }
            texts.add_language(&name, &path)?;
        }
        Ok(texts)
    }

    /// The text of a letter, for a person who reads these languages, the best first: by RFC 4647, 3.4 (`de-CH-1996`,
    /// `de-CH`, `de`, and then the next one). What there is none of in any of them is in English.
    pub(super) fn find(&self, kind: LetterKind, languages: &[String]) -> Option<&Text> {
        for range in languages {
            let mut tag = range.to_ascii_lowercase();
            loop {
                if let Some(text) = self.0.get(&(kind, tag.clone())) {
                    return Some(text);
                }
                let Some((rest, _)) = tag.rsplit_once('-') else { break };
                // What is a single letter only introduces what came behind it.
                let rest = rest.rsplit_once('-').filter(|(_, last)| last.len() == 1).map_or(rest, |(rest, _)| rest);
                tag = rest.to_owned();
            }
        }
        self.0.get(&(kind, ENGLISH.to_owned()))
    }

    fn add_language(&mut self, language: &str, folder: &Path) -> Result<(), InvalidTemplate> {
        for (path, name) in entries(folder)? {
            let known = name.rsplit_once('.').filter(|(_, form)| matches!(*form, "txt" | "html"));
            let Some(Ok(kind)) = known.map(|(kind, _)| kind.parse::<LetterKind>()) else {
                let known = LetterKind::ALL.map(LetterKind::name).join(", ");
                return wrong(&path, &format!("the name of a letter is needed, with .txt or .html behind it: {known}"));
            };
            let (plain, html) = (path.with_extension("txt"), path.with_extension("html"));
            let read = |path: &Path| match fs::read_to_string(path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    wrong(path, "it is missing: a letter is text and HTML")
                }
                read => read.or_else(|e| wrong(path, &e.to_string())),
            };
            self.add(kind, language, (&plain, &read(&plain)?), (&html, &read(&html)?))?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        kind: LetterKind,
        language: &str,
        (plain_file, plain): (&Path, &str),
        (html_file, html): (&Path, &str),
    ) -> Result<(), InvalidTemplate> {
        let plain = plain.replace("\r\n", "\n");
        let (first, rest) = plain.split_once('\n').unwrap_or((&plain, ""));
        let Some(subject) = first.strip_prefix("Subject:").map(str::trim).filter(|subject| !subject.is_empty()) else {
            return wrong(plain_file, "its first line must be the subject, such as `Subject: Hello`");
        };
        if subject.contains(char::is_control) {
            return wrong(plain_file, "the subject has a control character");
        }
        let parse = |file: &Path, text: &str, fields| Template::parse(text, fields).or_else(|e| wrong(file, &e));
        // Mail servers log subjects, and telephones show them to whoever is near: nothing secret is in them.
        let subject = parse(plain_file, subject, &[Field::Product])?;
        let plain = parse(plain_file, rest.trim_start_matches('\n'), kind.takes())?;
        let html = parse(html_file, html, kind.takes())?;
        for field in kind.needs() {
            for (file, template) in [(plain_file, &plain), (html_file, &html)] {
                if !template.has(*field) {
                    return wrong(file, &format!("{} is missing", field.place()));
                }
            }
        }
        let text = Text { language: language.to_owned(), subject, plain, html };
        self.0.insert((kind, language.to_ascii_lowercase()), text);
        Ok(())
    }
}

fn wrong<T>(file: &Path, why: &str) -> Result<T, InvalidTemplate> {
    Err(InvalidTemplate(file.to_owned(), why.to_owned()))
}

/// What is in a folder, with its names, but for names that begin with a dot: some systems mount folders with such.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>, InvalidTemplate> {
    let failed = |e: io::Error| InvalidTemplate(folder.to_owned(), e.to_string());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        found.push((entry.path(), entry.file_name().to_string_lossy().into_owned()));
    }
    found.retain(|(_, name)| !name.starts_with('.'));
    found.sort_unstable();
    Ok(found)
}

/// Whether it has the form of a BCP 47 tag.
fn is_language(name: &str) -> bool {
    let is_subtag = |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = name.split('-').next().unwrap_or_default();
    first.len() > 1 && first.bytes().all(|b| b.is_ascii_alphabetic()) && name.split('-').all(is_subtag)
}

#[cfg(test)]
mod tests;
