//! Makes the client of the document in `OPENAPI`.

use std::{env, fs, path::Path};

use progenitor::{GenerationSettings, Generator, InterfaceStyle, TagStyle};
use serde_json::Value;

fn main() {
    println!("cargo:rerun-if-env-changed=OPENAPI");
    let file = env::var("OPENAPI").expect("OPENAPI is the path of the document");
    println!("cargo:rerun-if-changed={file}");
    let mut document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    // progenitor 0.15 knows neither bodies of this media type, nor operations that are answered by two types: it makes no
    // client at all. A document without both makes one for a service that tells who has an account.
    assert!(document["paths"].as_object_mut().unwrap().remove("/v1/admin/imports").is_some());
    let registered = document["paths"]["/v1/users"]["post"]["responses"].as_object_mut().unwrap();
    assert!(registered.remove("202").is_some());

    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder).with_tag(TagStyle::Separate);
    let code = Generator::new(&settings).generate_tokens(&serde_json::from_value(document).unwrap()).unwrap();
    let client = Path::new(&env::var("OUT_DIR").unwrap()).join("client.rs");
    fs::write(client, prettyplease::unparse(&syn::parse2(code).unwrap())).unwrap();
}
