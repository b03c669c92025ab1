//! Tests of which texts there are, and which one is chosen.

use tempfile::TempDir;

use super::*;

const GOOD: &str = "Subject: Hallo von {{product}}\n\nHier: {{link}} {{code}}\n";
const HTML: &str = "<p>{{link}} {{code}}</p>";

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn language(texts: &Texts, kind: LetterKind, languages: &[&str]) -> String {
    let languages = languages.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
    texts.find(kind, &languages).unwrap().language.clone()
}

#[test]
fn every_letter_is_built_in_in_english() {
    let texts = Texts::open(None).unwrap();
    for kind in LetterKind::ALL {
        assert_eq!(language(&texts, kind, &[]), "en");
        assert_eq!(language(&texts, kind, &["de-CH", "*", "", "-", "x"]), "en");
        let text = texts.find(kind, &[]).unwrap();
        for field in kind.takes() {
            assert!(text.plain.has(*field) && text.html.has(*field), "{kind} lacks {}", field.place());
        }
    }
}

#[test]
fn html_has_a_language_a_title_and_nothing_that_is_fetched() {
    for (kind, _, html) in BUILT_IN {
        assert!(html.contains("<html lang=\"en\">") && html.contains("<title>"), "{kind}");
        let html = html.to_lowercase();
        for remote in ["<img", "<link", "<script", "<iframe", "src=", "url(", "http:", "https:", "@import"] {
            assert!(!html.contains(remote), "{kind} has {remote}");
        }
    }
}

#[test]
fn the_first_language_that_there_is_a_text_in_is_taken_for_each_letter() {
    let mut files: Vec<(&str, &[u8])> = Vec::new();
    for (plain, html) in [
        ("de/verification.txt", "de/verification.html"),
        ("de-CH/verification.txt", "de-CH/verification.html"),
        ("fr/verification.txt", "fr/verification.html"),
    ] {
        files.extend([(plain, GOOD.as_bytes()), (html, HTML.as_bytes())]);
    }
    let folder = folder(&files);
    let texts = Texts::open(Some(folder.path())).unwrap();
    for (languages, expected) in [
        (&["de-CH"][..], "de-CH"),
        (&["DE-ch-1996"], "de-CH"),
        (&["de-AT", "fr"], "de"),
        (&["de-x-private"], "de"),
        (&["pt-BR", "fr-CA", "de"], "fr"),
        (&["en-GB", "de"], "en"),
        (&["pt"], "en"),
    ] {
        assert_eq!(language(&texts, LetterKind::Verification, languages), expected, "{languages:?}");
    }
    assert_eq!(language(&texts, LetterKind::PasswordReset, &["de"]), "en", "what is missing is in English");
}

#[test]
fn a_text_that_is_built_in_is_replaced() {
    let folder = folder(&[
        ("en/password_changed.txt", b"Subject: Mine\r\n\r\nNothing else."),
        ("en/password_changed.html", b"<p>Nothing else.</p>"),
        (".git/config", b"not looked at"),
        ("en/.swp", b"not looked at"),
    ]);
    let texts = Texts::open(Some(folder.path())).unwrap();
    let replaced = format!("{:?}", texts.find(LetterKind::PasswordChanged, &[]).unwrap());
    assert!(replaced.contains("Mine") && replaced.contains("\"Nothing else.\""), "{replaced}");
}

#[test]
fn a_file_that_is_no_template_is_named() {
    let (txt, html) = ("de/verification.txt", "de/verification.html");
    let good = (html, HTML.as_bytes());
    for (files, file, why) in [
        (vec![(txt, GOOD.as_bytes())], html, "it is missing"),
        (vec![good], txt, "it is missing"),
        (vec![good, (txt, b"Hallo {{link}} {{code}}")], txt, "its first line must be the subject"),
        (vec![good, (txt, b"Subject:\n\n{{link}} {{code}}")], txt, "its first line must be the subject"),
        (vec![good, (txt, b"Subject: a\rBcc: b\n\n{{link}} {{code}}")], txt, "control character"),
        (vec![good, (txt, b"Subject: {{code}}\n\n{{link}} {{code}}")], txt, "{{code}} is none of {{product}}"),
        (vec![good, (txt, b"Subject: a\n\n{{code}}")], txt, "{{link}} is missing"),
        (vec![good, (txt, b"Subject: a\n\n{{link}}")], txt, "{{code}} is missing"),
        (vec![(txt, GOOD.as_bytes()), (html, b"{{link}}")], html, "{{code}} is missing"),
        (vec![(txt, GOOD.as_bytes()), (html, b"{{link}} {{code}} {{name}}")], html, "{{name}} is none of"),
        (vec![good, (txt, b"Subject: a\n\n{{link}} {{code}} \xff")], txt, "UTF-8"),
        (vec![("de/hello.txt", GOOD.as_bytes())], "de/hello.txt", "verification, email_change, password_reset"),
        (
            vec![("de/verification.md", GOOD.as_bytes())],
            "de/verification.md",
            "verification, email_change, password_reset",
        ),
        (vec![("verification.txt", GOOD.as_bytes())], "verification.txt", "named for a language"),
        (vec![("templates_de/verification.txt", GOOD.as_bytes())], "templates_de", "named for a language"),
    ] {
        let folder = folder(&files);
        let said = Texts::open(Some(folder.path())).unwrap_err().to_string();
        let path = folder.path().join(file).display().to_string();
        assert!(said.starts_with(&format!("{path}: ")) && said.contains(why), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
    assert!(Texts::open(Some(Path::new("/nowhere"))).unwrap_err().to_string().starts_with("/nowhere: "));
}
