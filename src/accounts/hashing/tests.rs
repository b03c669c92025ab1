//! Passwords that are hashed and checked, as the rest of `accounts` does it.

use super::{encoded::Method, *};

const CHEAP: HashCost = HashCost { memory_kib: 8, iterations: 1, parallelism: 1 };

fn hasher(cost: HashCost) -> Hasher {
    peppered(cost, Vec::new())
}

fn peppered(cost: HashCost, peppers: Vec<Pepper>) -> Hasher {
    Hasher::start(HashSettings { cost, threads: 1, queue: Some(9), peppers }, Random).unwrap()
}

#[tokio::test]
async fn a_password_is_found_right_or_wrong() {
    let hasher = hasher(CHEAP);
    let hash = hasher.hash(Password::new("correct horse")).await.unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.as_str());
    let verify = async |text, hash| hasher.verify(Password::new(text), hash).await.unwrap();
    assert_eq!(verify("correct horse", Some(hash.clone())).await, Verdict::Right);
    assert_eq!(verify("Correct horse", Some(hash)).await, Verdict::Wrong);
    assert_eq!(verify("correct horse", None).await, Verdict::Wrong);
}

#[test]
fn hashes_are_the_same_if_all_of_them_is() {
    let [one, other] = [REFERENCE[0], REFERENCE[1]].map(|text| text.parse::<PasswordHash>().unwrap());
    assert!(one == REFERENCE[0].parse().unwrap() && one != other);
    assert_eq!(format!("{one:?}"), "PasswordHash(\u{2026})", "no log tells it");
}

#[test]
fn a_hash_fills_as_much_memory_as_it_is_told() {
    let cost = HashCost { memory_kib: 64, iterations: 1, parallelism: 2 };
    assert_eq!(argon2_hash::Today::new(cost, Vec::new()).unwrap().blocks(), 64);
}

#[tokio::test]
async fn warm_memory_of_another_cost_changes_no_hash() {
    let large = hasher(HashCost { memory_kib: 256, iterations: 2, parallelism: 2 });
    let small = hasher(CHEAP);
    let hash = small.hash(Password::new("correct horse")).await.unwrap();
    large.hash(Password::new("something else")).await.unwrap();
    let verdict = large.verify(Password::new("correct horse"), Some(hash)).await.unwrap();
    assert_eq!(verdict, Verdict::RightButOutdated);
}

/// Of `correct horse`, each by the reference implementation: by its command, `printf 'correct horse' | argon2
/// somesalt12345678 -id -k 64 -t 2 -p 2 -l 32 -e`, and by argon2-cffi 25.1, `hash_secret(b"correct horse",
/// b"0123456789abcdef", 2, 64, 2, 32, Type.I, 16)` and so on. The last two are the second one, as version 16 was written
/// before it had a number, and the third one with an id of a pepper that is not there.
const REFERENCE: [&str; 7] = [
    "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQxMjM0NTY3OA$HqfsbePhQ0iCjxxCv8RSOjxYwbqIqJUTetmvsCcFRxQ",
    "$argon2i$v=16$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$tGIxLiBuBRoNePzxgRL/rccpXV/9pZbAfObn5cPwCe8",
    "$argon2i$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$JJ/ZDykYOnhMabOK2tGFjoWMyIA2jiyUS51az8rbHG4",
    "$argon2d$v=16$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$wXYC3c9kVdoANr7uvSnCcMD5lIu4fpSRZ9vVqL9x0mo",
    "$argon2d$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$dOi7cZl2dlo4eu/sTQ2j9syppP/ZDNFzsjFGgjz/J0M",
    "$argon2id$v=16$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$lwUu8Gy5sc02ch0qrd5qZkOTngG4PpzpdPFAZmhDCos",
    "$argon2i$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$tGIxLiBuBRoNePzxgRL/rccpXV/9pZbAfObn5cPwCe8",
];

#[tokio::test]
async fn it_agrees_with_the_reference_implementation_in_each_of_its_forms() {
    let hasher = hasher(CHEAP);
    for hash in REFERENCE {
        let verify = async |text| hasher.verify(Password::new(text), Some(hash.parse().unwrap())).await.unwrap();
        assert_eq!(verify("correct horse").await, Verdict::RightButOutdated, "{hash}");
        assert_eq!(verify("correct horsf").await, Verdict::Wrong, "{hash}");
    }
}

#[test]
fn a_hash_is_written_as_it_was_read() {
    for hash in REFERENCE.iter().take(6) {
        let hash: PasswordHash = hash.parse().unwrap();
        let Method::Argon2(method) = hash.method() else { panic!("it is of Argon2") };
        assert_eq!(method.to_string(), hash.as_str());
    }
}

#[test]
fn a_hash_of_argon2_that_is_malformed_or_costs_too_much_is_refused() {
    for (from, to) in [
        ("$argon2id$", "$argon2ix$"),
        ("v=19", "v=18"),
        ("v=19", "v=x"),
        ("m=64", "m=7"),
        ("m=64", "m=2097153"),
        ("m=64,t=2", "m=2097152,t=9"),
        ("m=64,", ""),
        ("t=2", "t=0"),
        ("t=2", "t=1001"),
        ("p=2", "p=0"),
        ("p=2", "p=65"),
        ("p=2", "p=9"),
        ("p=2", "p=2,data=AAAA"),
        ("p=2", "p=2,x=1"),
        ("p=2", "p=2,keyid=AAAAAAAAAAAAAAAA"),
        ("$c29tZXNhbHQxMjM0NTY3OA", ""),
        ("$c29tZXNhbHQxMjM0NTY3OA", "$c29t"),
        ("$HqfsbePhQ0iCjxxCv8RSOjxYwbqIqJUTetmvsCcFRxQ", "$"),
        ("RxQ", "R=="),
    ] {
        let [reference, ..] = REFERENCE;
        assert!(reference.contains(from), "{from}");
        let malformed = reference.replace(from, to);
        // The default memory is taken where none is said.
        let taken = malformed.parse::<PasswordHash>().is_ok();
        assert!(!taken || from == "m=64,", "{malformed}");
    }
}

/// `Zürich crème`, decomposed, by bcrypt 4.0.1: `bcrypt.hashpw(unicodedata.normalize("NFD", …).encode(), …)`.
#[tokio::test]
async fn a_foreign_hash_may_be_of_the_password_as_it_is_typed() {
    let (hasher, composed, typed) = (hasher(CHEAP), "Z\u{fc}rich cr\u{e8}me", "Zu\u{308}rich cre\u{300}me");
    let verify =
        async |text, hash: &str| hasher.verify(Password::new(text), Some(hash.parse().unwrap())).await.unwrap();
    let of_typed = "$2b$04$abcdefghijklmnopqrstuu2s0pt86CPITJf.EkMVS0JJvmW1VHJ.6";
    assert_eq!(verify(typed, of_typed).await, Verdict::RightButOutdated);
    assert_eq!(verify(composed, of_typed).await, Verdict::Wrong, "it was typed in another way");
    let of_composed = "$2b$04$abcdefghijklmnopqrstuuh1Y.HRgwiPjlio11WRjIDiRyNUoVlcC";
    assert_eq!(verify(typed, of_composed).await, Verdict::RightButOutdated);
    assert_eq!(verify(composed, of_composed).await, Verdict::RightButOutdated);
}

fn pepper(id: &str) -> Pepper {
    let letter = id.chars().next_back().unwrap();
    Pepper::parse(&format!("{id}:{}A", letter.to_string().repeat(42))).unwrap()
}

#[tokio::test]
async fn peppers_change_and_old_hashes_are_outdated() {
    let (none, first) = (hasher(CHEAP), peppered(CHEAP, vec![pepper("a")]));
    let second = peppered(CHEAP, vec![pepper("b"), pepper("a")]);
    let password = || Password::new("correct horse");
    let plain = none.hash(password()).await.unwrap();
    let old = first.hash(password()).await.unwrap();
    assert!(old.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1,keyid=YQ$"), "{}", old.as_str());
    let verify = async |hasher: &Hasher, hash: &PasswordHash| {
        // What is stored is text.
        hasher.verify(password(), Some(hash.as_str().parse().unwrap())).await.unwrap()
    };
    assert_eq!(verify(&first, &old).await, Verdict::Right);
    assert_eq!(verify(&first, &plain).await, Verdict::RightButOutdated);
    assert_eq!(verify(&second, &old).await, Verdict::RightButOutdated);
    assert_eq!(verify(&none, &old).await, Verdict::Wrong, "the pepper is not there");
    assert_eq!(verify(&peppered(CHEAP, vec![pepper("b")]), &old).await, Verdict::Wrong, "the pepper is not there");
    let other = Pepper::parse(&format!("a:{}", "B".repeat(42) + "A")).unwrap();
    assert_eq!(
        verify(&peppered(CHEAP, vec![other]), &old).await,
        Verdict::Wrong,
        "it goes by the secret, not by the id"
    );
}

/// The crate has no vectors with a secret, so this is of RFC 9106, 5.3, without its associated data: by the library that
/// Python's argon2-cffi 25.1 brings, `argon2_ctx` with the password, the salt and the secret of the test.
#[tokio::test]
async fn a_pepper_is_the_secret_input_of_argon2() {
    let hash =
        "$argon2id$v=19$m=64,t=2,p=2,keyid=aw$MDEyMzQ1Njc4OWFiY2RlZg$2f8Wb6r7q8563d2YQsHCn00N4B3uMVeJtU+9LGAMZrM";
    let hasher = peppered(CHEAP, vec![Pepper::parse("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()]);
    let verdict = hasher.verify(Password::new("correct horse"), Some(hash.parse().unwrap())).await.unwrap();
    assert_eq!(verdict, Verdict::RightButOutdated);
}

#[test]
fn what_comes_from_afar_is_bounded_in_memory_and_in_time() {
    let argon2 = |memory: u32, passes: u32| {
        format!(
            "$argon2id$v=19$m={memory},t={passes},p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
        )
    };
    let scrypt = |ln: u32, p: u32| {
        format!("$scrypt$ln={ln},r=8,p={p}$MDEyMzQ1Njc4OWFiY2RlZg$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg")
    };
    let pbkdf2 =
        |rounds: u32| format!("pbkdf2_sha256${rounds}$saltysaltysalty$KM3O6PQOy4NBFhUd3oZl/aA/+OcAmU4jpP+EnxmRoaA=");
    let bcrypt = |cost: u32| format!("$2b${cost}$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e");
    let firebase = |n: u32| {
        let key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
        format!("$fbscrypt$v=1,n={n},r=8,p=1,ss=Bw==,sk={key}$42xEC+ixf3L2lw==${key}")
    };
    // SHA-1 makes 20 bytes of all rounds, and 64 of them are four times as many rounds.
    let long =
        |name: &str, rounds: u32| format!("$pbkdf2-{name}$i={rounds},l=64$MDEyMzQ1Njc4OWFiY2RlZg${}", "A".repeat(86));
    let parse = |text: &str| text.parse::<PasswordHash>();
    let is_modest = |text: &str| parse(text).unwrap_or_else(|_| panic!("{text}")).is_within(&Bounds::FROM_AFAR);
    for (most, more) in [
        (argon2(131_072, 8), argon2(131_073, 1)),
        (argon2(65_536, 16), argon2(65_536, 17)),
        (scrypt(17, 2), scrypt(17, 3)),
        (scrypt(17, 1), scrypt(18, 1)),
        (scrypt(14, 16), scrypt(14, 17)),
        (firebase(17), firebase(18)),
        (pbkdf2(2_000_000), pbkdf2(2_000_001)),
        (long("sha512", 2_000_000), long("sha512", 2_000_001)),
        (long("sha256", 1_000_000), long("sha256", 1_000_001)),
        (long("sha1", 500_000), long("sha1", 500_001)),
        (bcrypt(14), bcrypt(15)),
    ] {
        assert!(is_modest(&most) && !is_modest(&more), "{most} {more}");
    }
    assert!(parse(&long("sha1", 2_500_000)).is_ok() && parse(&long("sha1", 2_500_001)).is_err());
}

/// What people come with: each row of OWASP's Password Storage Cheat Sheet, the second choice of RFC 9106, and what Django,
/// Firebase and Laravel do of themselves.
#[test]
fn what_others_recommend_comes_from_afar() {
    let argon2 = HashCost::OWASP.into_iter().chain([(65_536, 3)]);
    let argon2 = argon2.map(|(memory_kib, iterations)| HashCost { memory_kib, iterations, parallelism: 1 });
    assert!(argon2.into_iter().all(|cost| cost.is_within(&Bounds::FROM_AFAR)));
    let key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let scrypt = [(17, 1), (16, 2), (15, 3), (14, 5), (13, 10)].map(|(ln, p)| {
        format!("$scrypt$ln={ln},r=8,p={p}$MDEyMzQ1Njc4OWFiY2RlZg$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg")
    });
    let pbkdf2 = [("sha1", 1_400_000, 27), ("sha256", 1_200_000, 43), ("sha512", 220_000, 86)]
        .map(|(name, rounds, length)| format!("$pbkdf2-{name}${rounds}$MDEyMzQ1Njc4OWFiY2RlZg${}", "A".repeat(length)));
    let others = [
        format!("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={key}$42xEC+ixf3L2lw==${key}"),
        "$2y$12$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e".to_owned(),
    ];
    for text in scrypt.into_iter().chain(pbkdf2).chain(others) {
        assert!(text.parse::<PasswordHash>().unwrap().is_within(&Bounds::FROM_AFAR), "{text}");
    }
}
