//! Tokens as text: the compact serialization of RFC 7515, in the one form that is made here, with the strictness of
//! RFC 8725.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::algorithm::{Algorithm, KeyPair};

/// A longer token is refused before anything of it is decoded.
const LONGEST: usize = 8 * 1024;

/// The type of an access token (RFC 9068, 2.1).
const TYPE: &str = "at+jwt";

/// A token whose form is right. Whether its signature is, [`Token::open`] finds out.
pub(super) struct Token<'a> {
    pub(super) kid: String,
    algorithm: Algorithm,
    /// What is signed: the header and the payload as they stand in the token.
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

/// The header. Any other member refuses the token: `jku`, `x5u`, `jwk` and `x5c` name keys that are not ours, and
/// `crit` demands what is not done here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// Makes a token. None if the key cannot sign at this moment.
pub(super) fn sign(algorithm: Algorithm, kid: &str, pair: &KeyPair, payload: &[u8]) -> Option<String> {
    let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"{TYPE}"}}"#);
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = pair.sign(signed.as_bytes())?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header = URL_SAFE_NO_PAD.decode(header).ok()?;
        if !header.starts_with(b"{") {
            return None; // serde would take an array for the members in their order
        }
        let header: Header = serde_json::from_slice(&header).ok()?;
        let typ = header.typ.to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != TYPE || !is_kid(&header.kid) {
            return None;
        }
        let algorithm = header.alg.parse().ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { kid: header.kid, algorithm, signed, payload, signature })
    }

    /// The payload, if this key of ours has signed it with the algorithm that it is for.
    pub(super) fn open(&self, algorithm: Algorithm, pair: &KeyPair) -> Option<Vec<u8>> {
        let good = self.algorithm == algorithm && pair.verify(self.signed.as_bytes(), &self.signature);
        if good { URL_SAFE_NO_PAD.decode(self.payload).ok() } else { None }
    }
}

/// Whether a text has the form of the key ids that are made here: base64url, which needs no escapes.
pub(super) fn is_kid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAYLOAD: &[u8] = br#"{"sub":"ada"}"#;

    fn pair(algorithm: Algorithm) -> KeyPair {
        KeyPair::from_pkcs8(algorithm, &KeyPair::generate(algorithm).unwrap()).unwrap()
    }

    /// A token with this header, which the key has signed.
    fn with_header(pair: &KeyPair, header: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(PAYLOAD));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).unwrap()))
    }

    fn open(algorithm: Algorithm, pair: &KeyPair, token: &str) -> Option<Vec<u8>> {
        Token::parse(token)?.open(algorithm, pair)
    }

    #[test]
    fn a_token_has_a_header_of_three_members_and_is_opened_by_its_key() {
        for algorithm in Algorithm::ALL {
            let pair = pair(algorithm);
            let token = sign(algorithm, "k-1", &pair, PAYLOAD).unwrap();
            let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
            let expected = format!(r#"{{"alg":"{algorithm}","kid":"k-1","typ":"at+jwt"}}"#);
            assert_eq!(String::from_utf8(header).unwrap(), expected);
            assert_eq!(Token::parse(&token).unwrap().kid, "k-1");
            assert_eq!(open(algorithm, &pair, &token).unwrap(), PAYLOAD);
            assert_eq!(open(algorithm, &super::tests::pair(algorithm), &token), None);
        }
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused() {
        for algorithm in Algorithm::ALL {
            let pair = pair(algorithm);
            let token = sign(algorithm, "k", &pair, PAYLOAD).unwrap();
            for at in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(open(algorithm, &pair, &changed), None, "{changed}");
            }
        }
    }

    #[test]
    fn the_algorithm_is_that_of_our_key_whatever_the_header_says() {
        let (eddsa, es256) = (pair(Algorithm::EdDsa), pair(Algorithm::Es256));
        let says_es256 = with_header(&eddsa, r#"{"alg":"ES256","kid":"k","typ":"at+jwt"}"#);
        assert_eq!(open(Algorithm::EdDsa, &eddsa, &says_es256), None);
        assert_eq!(open(Algorithm::Es256, &es256, &says_es256), None);
        for alg in ["none", "None", "HS256", "RS256", "eddsa", "EdDSA ", ""] {
            let token = with_header(&eddsa, &format!(r#"{{"alg":"{alg}","kid":"k","typ":"at+jwt"}}"#));
            assert_eq!(open(Algorithm::EdDsa, &eddsa, &token), None, "{alg}");
            let unsigned = token.rsplit_once('.').unwrap().0;
            assert_eq!(open(Algorithm::EdDsa, &eddsa, &format!("{unsigned}.")), None, "{alg}");
        }
    }

    #[test]
    fn the_header_has_its_three_members_once_and_no_other() {
        let pair = pair(Algorithm::EdDsa);
        let rest = r#""alg":"EdDSA","kid":"k","typ":"at+jwt""#;
        assert!(open(Algorithm::EdDsa, &pair, &with_header(&pair, &format!("{{{rest}}}"))).is_some());
        let others = ["jku", "x5u", "jwk", "x5c", "x5t", "crit", "b64", "cty", "alg", "kid", "typ", "anything"];
        let more = others.map(|name| format!(r#"{{{rest},"{name}":"k"}}"#));
        let wrong = [
            r#"{"kid":"k","typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","kid":"k"}"#,
            r#"{"alg":"EdDSA","kid":null,"typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","kid":["k"],"typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","kid":"../k","typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","kid":"","typ":"at+jwt"}"#,
            r#"["EdDSA","k","at+jwt"]"#,
            r#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}{}"#,
            "{}",
            "null",
            "",
        ];
        for header in more.iter().map(String::as_str).chain(wrong) {
            assert_eq!(open(Algorithm::EdDsa, &pair, &with_header(&pair, header)), None, "{header}");
        }
    }

    #[test]
    fn only_an_access_token_is_one() {
        let pair = pair(Algorithm::EdDsa);
        let of = |typ: &str| with_header(&pair, &format!(r#"{{"alg":"EdDSA","kid":"k","typ":"{typ}"}}"#));
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert!(open(Algorithm::EdDsa, &pair, &of(typ)).is_some(), "{typ}");
        }
        for typ in ["JWT", "jwt", "at", "at+jwt ", "application/application/at+jwt", "text/at+jwt", ""] {
            assert_eq!(open(Algorithm::EdDsa, &pair, &of(typ)), None, "{typ}");
        }
    }

    #[test]
    fn base64url_is_canonical_and_has_no_padding() {
        let pair = pair(Algorithm::EdDsa);
        let token = sign(Algorithm::EdDsa, "k", &pair, PAYLOAD).unwrap();
        // 64 bytes are 85 characters and 2 bits: the last 4 bits of the last character are zero in the canonical form.
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let last = token.chars().last().unwrap();
        let value = alphabet.find(last).unwrap();
        let twin = format!("{}{}", &token[..token.len() - 1], alphabet.chars().nth(value + 1).unwrap());
        let parts = token.split('.').collect::<Vec<_>>();
        let [header, payload, signature] = parts[..] else { panic!("{token}") };
        for wrong in [
            twin,
            format!("{token}=="),
            format!("{header}=.{payload}.{signature}"),
            format!("{header}.{payload}=.{signature}"),
            format!("{token}\n"),
            format!(" {token}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{header}.{signature}"),
            format!("{header}..{payload}.{signature}"),
            format!("{header}.{payload}."),
            "..".to_owned(),
            String::new(),
        ] {
            assert_eq!(open(Algorithm::EdDsa, &pair, &wrong), None, "{wrong}");
        }
        // Also where the odd form is signed.
        let (odd, _) = token.rsplit_once('.').unwrap();
        for odd in [format!("{odd}=="), format!("{odd}+/")] {
            let signature = URL_SAFE_NO_PAD.encode(pair.sign(odd.as_bytes()).unwrap());
            assert_eq!(open(Algorithm::EdDsa, &pair, &format!("{odd}.{signature}")), None, "{odd}");
        }
    }

    #[test]
    fn a_token_of_more_than_8_kib_is_refused() {
        let pair = pair(Algorithm::EdDsa);
        let of = |length: usize| sign(Algorithm::EdDsa, "k", &pair, &vec![b' '; length]).unwrap();
        let (fits, long) =
            (5900..6200).map(|length| (of(length), of(length + 1))).find(|(_, long)| long.len() > LONGEST).unwrap();
        assert_eq!(fits.len(), LONGEST);
        assert!(open(Algorithm::EdDsa, &pair, &fits).is_some());
        assert_eq!(open(Algorithm::EdDsa, &pair, &long), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[A-Za-z0-9_.=-]{0,80}|\\PC{0,60}", header in "\\{\\PC{0,40}\\}", payload in "\\PC{0,20}") {
            let _ = Token::parse(&text);
            let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
            let _ = Token::parse(&format!("{header}.{payload}.{payload}"));
        }
    }
}
