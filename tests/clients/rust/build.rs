//! Makes the client of the document in `OPENAPI`.

use std::{env, fs, panic, path::Path};

use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle};
use serde_json::Value;

fn main() {
    println!("cargo:rerun-if-env-changed=OPENAPI");
    let file = env::var("OPENAPI").expect("OPENAPI is the path of the document");
    println!("cargo:rerun-if-changed={file}");
    let whole: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    // progenitor 0.15 knows neither bodies of this media type, nor operations that are answered by two types: it makes no
    // client at all. A document without both makes one for a service that tells who has an account.
    type Part = fn(&mut Value);
    let import: Part = |document| remove(&mut document["paths"], "/v1/admin/imports");
    let acceptance: Part = |document| remove(&mut document["paths"]["/v1/users"]["post"]["responses"], "202");
    for part in [import, acceptance] {
        let mut rest = whole.clone();
        part(&mut rest);
        assert!(client(rest).is_none(), "progenitor can do without one of the two now");
    }
    let mut document = whole;
    import(&mut document);
    acceptance(&mut document);
    let code = client(document).expect("a client of the document without both");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("client.rs"), code).unwrap();
}

fn remove(from: &mut Value, name: &str) {
    from.as_object_mut().unwrap().remove(name).expect(name);
}

/// The client, or nothing where progenitor refuses or panics.
fn client(document: Value) -> Option<String> {
    let made = panic::catch_unwind(|| {
        let mut settings = GenerationSettings::default();
        settings.with_interface(InterfaceStyle::Builder).with_tag(TagStyle::Separate);
        let code = Generator::new(&settings).generate_tokens(&serde_json::from_value(document).unwrap()).ok()?;
        Some(prettyplease::unparse(&syn::parse2(code).unwrap()))
    });
    made.ok().flatten()
}
