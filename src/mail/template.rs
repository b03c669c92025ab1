//! Texts with places for values: `{{product}}` and so on, and nothing else that a template could do.

use zeroize::Zeroizing;

use super::{letter::Letter, lifetime::spelled, options::Links};

/// What can be put into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// What the service calls itself.
    Product,
    /// The address that the letter goes to.
    Email,
    /// The link, with its token.
    Link,
    /// How long the link is good.
    Lifetime,
    /// The code.
    Code,
    /// How long the code is good.
    CodeLifetime,
}

impl Field {
    pub(super) const ALL: [Self; 6] =
        [Self::Product, Self::Email, Self::Link, Self::Lifetime, Self::Code, Self::CodeLifetime];

    /// How it is written.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::Product => "{{product}}",
            Self::Email => "{{email}}",
            Self::Link => "{{link}}",
            Self::Lifetime => "{{lifetime}}",
            Self::Code => "{{code}}",
            Self::CodeLifetime => "{{code_lifetime}}",
        }
    }
}

/// What is put into one letter. It is not shown.
pub(super) struct Values<'a> {
    product: &'a str,
    email: &'a str,
    link: Zeroizing<String>,
    lifetime: String,
    code: &'a str,
    code_lifetime: String,
}

impl<'a> Values<'a> {
    /// The values of this letter.
    ///
    /// # Errors
    /// When the letter lacks a secret that its kind has.
    pub(super) fn of(letter: &'a Letter, product: &'a str, links: &Links, language: &str) -> Result<Self, String> {
        let lacks = |field: Field| format!("a letter of the kind {} without {}", letter.kind, field.place());
        let mut values = Self {
            product,
            email: &letter.to,
            link: Zeroizing::default(),
            lifetime: String::new(),
            code: "",
            code_lifetime: String::new(),
        };
        if let Some(template) = links.of(letter.kind) {
            let secret = letter.secret.as_ref().ok_or_else(|| lacks(Field::Link))?;
            values.link = template.link(&secret.token);
            values.lifetime = spelled(secret.token_lasts, language);
        }
        if letter.kind.needs().contains(&Field::Code) {
            let code = letter.secret.as_ref().and_then(|secret| secret.code.as_ref());
            let (code, lasts) = code.ok_or_else(|| lacks(Field::Code))?;
            (values.code, values.code_lifetime) = (code, spelled(*lasts, language));
        }
        Ok(values)
    }

    fn get(&self, field: Field) -> &str {
        match field {
            Field::Product => self.product,
            Field::Email => self.email,
            Field::Link => &self.link,
            Field::Lifetime => &self.lifetime,
            Field::Code => self.code,
            Field::CodeLifetime => &self.code_lifetime,
        }
    }
}

/// A text with places for values.
#[derive(Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Field(Field),
}

impl Template {
    /// Reads a text, in which there may be these fields.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(mut text: &str, allowed: &[Field]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        while let Some((before, rest)) = text.split_once("{{") {
            pieces.push(Piece::Text(before.to_owned()));
            let (name, behind) = rest.split_once("}}").ok_or("a {{ has no }}")?;
            let place = format!("{{{{{}}}}}", name.trim());
            let field = allowed.iter().find(|field| field.place() == place).ok_or_else(|| {
                let places = allowed.iter().map(|field| field.place()).collect::<Vec<_>>().join(", ");
                format!("{} is none of {places}", place.escape_debug())
            })?;
            pieces.push(Piece::Field(*field));
            text = behind;
        }
        pieces.push(Piece::Text(text.to_owned()));
        Ok(Self(pieces))
    }

    /// Whether there is a place for this field.
    pub(super) fn has(&self, field: Field) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Field(found) if *found == field))
    }

    /// The text with the values in it.
    pub(super) fn render(&self, values: &Values<'_>) -> Zeroizing<String> {
        self.fill(|field, text| text.push_str(values.get(field)))
    }

    /// The same as HTML: no value can be taken for markup, neither in text nor in a quoted attribute.
    pub(super) fn render_html(&self, values: &Values<'_>) -> Zeroizing<String> {
        self.fill(|field, text| {
            for c in values.get(field).chars() {
                match c {
                    '&' => text.push_str("&amp;"),
                    '<' => text.push_str("&lt;"),
                    '>' => text.push_str("&gt;"),
                    '"' => text.push_str("&quot;"),
                    '\'' => text.push_str("&#39;"),
                    c => text.push(c),
                }
            }
        })
    }

    fn fill(&self, put: impl Fn(Field, &mut String)) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Field(field) => put(*field, &mut text),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values<'a>(product: &'a str, email: &'a str) -> Values<'a> {
        let (link, lifetime) = (Zeroizing::new("https://a.example/?a&b".to_owned()), "30 minutes".to_owned());
        Values { product, email, link, lifetime, code: "123456", code_lifetime: "10 minutes".to_owned() }
    }

    #[test]
    fn each_place_is_filled_and_html_is_escaped() {
        let text = Field::ALL.map(Field::place).join(" ") + " {{ product }} {not} }}";
        let template = Template::parse(&text, &Field::ALL).unwrap();
        let values = values("A<b>&\"'", "ada@example.com");
        assert_eq!(
            *template.render(&values),
            "A<b>&\"' ada@example.com https://a.example/?a&b 30 minutes 123456 10 minutes A<b>&\"' {not} }}"
        );
        assert_eq!(
            *template.render_html(&values),
            "A&lt;b&gt;&amp;&quot;&#39; ada@example.com https://a.example/?a&amp;b 30 minutes 123456 10 minutes \
             A&lt;b&gt;&amp;&quot;&#39; {not} }}"
        );
        assert!(Field::ALL.into_iter().all(|field| template.has(field)));
    }

    #[test]
    fn a_place_that_nobody_knows_or_nobody_closes_is_refused() {
        let allowed = [Field::Product, Field::Email];
        assert_eq!(Template::parse("{{link}}", &allowed).unwrap_err(), "{{link}} is none of {{product}}, {{email}}");
        assert!(Template::parse("{{#if code}}", &allowed).is_err());
        assert_eq!(Template::parse("a {{product", &allowed).unwrap_err(), "a {{ has no }}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_values_are_not_read_as_templates(text in "(\\PC|\\{\\{|\\}\\}|product){0,20}") {
            let _ = Template::parse(&text, &Field::ALL);
            let template = Template::parse("<{{product}}>", &Field::ALL).unwrap();
            let rendered = template.render(&values(&text, ""));
            prop_assert_eq!(&*rendered, &format!("<{text}>"));
            let html = template.render_html(&values(&text, ""));
            prop_assert!(!html[1..html.len() - 1].contains(['<', '>', '"', '\'']));
        }
    }
}
