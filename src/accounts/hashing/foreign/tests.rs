//! Hashes as the libraries that people come from make them, of `correct horse` unless it says otherwise:
//!
//! - passlib 1.7.4: `pbkdf2_sha256.using(salt=b"0123456789abcdef", rounds=100).hash("correct horse")`, and likewise
//!   `pbkdf2_sha1`, `pbkdf2_sha512`, and `scrypt.using(salt=…, rounds=4, block_size=8, parallelism=1)`
//! - Django 5.2.19: `PBKDF2PasswordHasher().encode("correct horse", "saltysaltysalty", 100)`, and
//!   `PBKDF2SHA1PasswordHasher`
//! - bcrypt 4.0.1: `bcrypt.hashpw(b"correct horse", b"$2b$04$abcdefghijklmnopqrstuu")`; libxcrypt 4.4 by Perl, for the
//!   other versions: `crypt("correct horse", "\$2y\$04\$abcdefghijklmnopqrstuu")`
//! - Firebase: Python's `hashlib.scrypt`, and `openssl enc -aes-256-ctr`, which find what Firebase publishes too
//! - Python's hashlib, for PHC: `hashlib.pbkdf2_hmac("sha256", b"correct horse", b"0123456789abcdef", 100, 32)`

use super::Foreign;

fn matches(hash: &str, password: &[u8]) -> bool {
    let parsed = hash.parse::<Foreign>().unwrap_or_else(|_| panic!("{hash}"));
    parsed.matches(password).unwrap()
}

/// What Firebase publishes as an example of its parameters (github.com/firebase/scrypt), of `user1password`.
const FIREBASE: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

const RIGHT: [&str; 15] = [
    "$pbkdf2$100$MDEyMzQ1Njc4OWFiY2RlZg$V3XayUfKyrxmgwPR15l/HF5oItM",
    "$pbkdf2-sha256$100$MDEyMzQ1Njc4OWFiY2RlZg$jFv3hht7uRixqMdKdjkASH0qpaB7Y6oFZhc.KxyeitI",
    "$pbkdf2-sha512$100$MDEyMzQ1Njc4OWFiY2RlZg$/yFakMlDl2xIXcbIvCmwQ3f5b.vB2Ui5t7qa6qg93Z6NvAdTkzlGNgvVQDGF.H9HWKVKWQEKRd6jq7U5b.vBag",
    "$pbkdf2-sha256$i=100,l=32$MDEyMzQ1Njc4OWFiY2RlZg$jFv3hht7uRixqMdKdjkASH0qpaB7Y6oFZhc+KxyeitI",
    "$pbkdf2-sha512$i=100,l=64$MDEyMzQ1Njc4OWFiY2RlZg$/yFakMlDl2xIXcbIvCmwQ3f5b+vB2Ui5t7qa6qg93Z6NvAdTkzlGNgvVQDGF+H9HWKVKWQEKRd6jq7U5b+vBag",
    "pbkdf2_sha256$100$saltysaltysalty$KM3O6PQOy4NBFhUd3oZl/aA/+OcAmU4jpP+EnxmRoaA=",
    "pbkdf2_sha1$100$saltysaltysalty$8wvNe8Q0Teaiy59JWIm9ZxbdLQ0=",
    "pbkdf2_sha512$100$saltysaltysalty$nbEwgAmt+jy0h86VUszV888IkIIUhakM573id3ixvLNw06WVrWn6kFuIgP08DTL5HfAm/O42Umf1yYPaSIvxoA==",
    "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg",
    "$scrypt$ln=5,r=4,p=3$MDEyMzQ1Njc4OWFiY2RlZg$RjLnD2N417g7wXITJ8E8HiMfMrcjHMKXsJ6uKjjc79g",
    "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
    "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$MDEyMzQ1Njc4OWFiY2RlZg==$hVEvsIBAjH42cP6vJyt4aQQD7kQnZG+EMK2ggwi47gt6vZnqVQMI1QfX91+zUCHxyHFUpIOykaF8tHSmqwQ5gA==",
];

/// The first of these hashes that begins so.
fn right(prefix: &str) -> &'static str {
    RIGHT.iter().find(|hash| hash.starts_with(prefix)).unwrap()
}

#[test]
fn the_example_of_firebase_is_right() {
    assert!(matches(FIREBASE, b"user1password") && !matches(FIREBASE, b"user1passworD"));
}

#[test]
fn the_hashes_of_others_are_right_for_their_password_alone() {
    for hash in RIGHT {
        assert!(matches(hash, b"correct horse"), "{hash}");
        for wrong in ["Correct horse", "correct hors", "correct horse ", "correct horse\0", ""] {
            assert!(!matches(hash, wrong.as_bytes()), "{hash}: {wrong:?}");
        }
    }
}

#[test]
fn bcrypt_takes_72_bytes_and_no_nul() {
    let long = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";
    assert!(matches(long, &[b'a'; 72]) && matches(long, &[b'a'; 100]));
    assert!(!matches(long, &[b'a'; 71]));
    let repeated = b"correct horse\0correct horse";
    assert!(!matches(right("$2b$"), repeated), "to bcrypt they are the same");
}

/// Of `Zürich crème` and of the bytes ff ff a3, by libxcrypt: with `$2x$`, what is before a byte beyond ASCII counts less.
#[test]
fn bcrypt_knows_the_bytes_that_old_versions_took_for_signed() {
    let salt = "abcdefghijklmnopqrstuu";
    let zurich = "Zürich crème".as_bytes();
    assert!(matches(&format!("$2x$04${salt}w4OoKUSkSSUMRKpskzgKzwJA0zqdERi"), zurich));
    for version in ["2a", "2b", "2y"] {
        assert!(matches(&format!("${version}$04${salt}h1Y.HRgwiPjlio11WRjIDiRyNUoVlcC"), zurich));
        assert!(!matches(&format!("${version}$04${salt}w4OoKUSkSSUMRKpskzgKzwJA0zqdERi"), zurich));
    }
    assert!(matches(&format!("$2x$04${salt}MOaOTHB4gEm.rriBjXNwBNh.Oc4mKGG"), b"\xff\xff\xa3"));
    assert!(matches(&format!("$2y$04${salt}MOaOTHB4gEm.rriBjXNwBNh.Oc4mKGG"), b"\xff\xff\xa3"));
    assert!(matches(&format!("$2x$04${salt}MOaOTHB4gEm.rriBjXNwBNh.Oc4mKGG"), b"\xa3"));
    assert!(matches(&format!("$2y$04${salt}rz1efvzeJjL4mQ813hrZNg3p1.ivOii"), b"\xa3"));
}

#[test]
fn what_is_malformed_or_costs_too_much_is_refused() {
    let [bcrypt, scrypt] = ["$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", right("$scrypt$")];
    let (phc, passlib, django) = (right("$pbkdf2-sha256$i="), right("$pbkdf2-sha256$1"), right("pbkdf2_sha256$"));
    for (hash, from, to) in [
        (bcrypt, "$2b$", "$2$"),
        (bcrypt, "$2b$", "$2c$"),
        (bcrypt, "$04$", "$03$"),
        (bcrypt, "$04$", "$17$"),
        (bcrypt, "$04$", "$31$"),
        (bcrypt, "$04$", "$4$"),
        (bcrypt, "$04$", "$+4$"),
        (bcrypt, "$04$", "$"),
        (bcrypt, "Qc6e", "Qc6"),
        (bcrypt, "Qc6e", "Qc6eA"),
        (bcrypt, "Qc6e", "Qc6="),
        (bcrypt, "Qc6e", "Qcü"),
        (bcrypt, "abcdefghijklmnopqrstuu", ""),
        (scrypt, "ln=4", "ln=0"),
        (scrypt, "ln=4", "ln=21"),
        (scrypt, "ln=4", "ln=63"),
        (scrypt, "ln=4,", ""),
        (scrypt, "r=8", "r=0"),
        (scrypt, "r=8", "r=4294967295"),
        (scrypt, "p=1", "p=0"),
        (scrypt, "ln=4,r=8,p=1", "ln=20,r=8,p=5"),
        (scrypt, "p=1", "p=1,q=1"),
        (scrypt, "$scrypt$", "$scrypt$v=1$"),
        (scrypt, "$OAkZqUBelG6VIYdTJfYSENL5OmZRxMa3GwXn5oFliTg", ""),
        (phc, "i=100", "i=0"),
        (phc, "i=100", "i=10000001"),
        (phc, "i=100", "i=-1"),
        (phc, "i=100", "n=100"),
        (phc, "l=32", "l=31"),
        (phc, "sha256", "md5"),
        (phc, "$MDEyMzQ1Njc4OWFiY2RlZg", "$"),
        (phc, "$MDEyMzQ1Njc4OWFiY2RlZg", "$!"),
        (phc, "l=32", "l="),
        (passlib, "$100$", "$0$"),
        (passlib, "$100$", "$99999999999$"),
        (passlib, "$jFv3hht7uRixqMdKdjkASH0qpaB7Y6oFZhc.KxyeitI", "$jFv3"),
        (FIREBASE, "v=1", "v=2"),
        (FIREBASE, "n=14", "n=0"),
        (FIREBASE, "n=14", "n=21"),
        (FIREBASE, "n=14", "n=64"),
        (FIREBASE, "n=14,r=8,p=1", "n=20,r=8,p=5"),
        (FIREBASE, "r=8", "r=+8"),
        (FIREBASE, "p=1,", ""),
        (FIREBASE, "ss=Bw==,", ""),
        (FIREBASE, "ss=Bw==", "ss=!"),
        (FIREBASE, "9WmXA==", "9Q=="),
        (FIREBASE, "$42xEC+ixf3L2lw==", ""),
        (FIREBASE, "$42xEC+ixf3L2lw==", &format!("${}", "A".repeat(88))),
        (FIREBASE, "id5lQ==", "i"),
        (django, "$100$", "$0$"),
        (django, "$100$", "$10000001$"),
        (django, "sha256", "md5"),
        (django, "$saltysaltysalty$", "$$"),
        (django, "KM3O6PQOy4NBFhUd3oZl/aA/+OcAmU4jpP+EnxmRoaA=", ""),
    ] {
        assert!(hash.contains(from), "{from}");
        let malformed = hash.replace(from, to);
        assert!(malformed.parse::<Foreign>().is_err(), "{malformed}");
    }
    for text in ["", "$", "$$$$", "$2b", "plain text", "{SSHA}VGhpcyBpcw==", "$1$salt$hash", "$6$salt$hash"] {
        assert!(text.parse::<Foreign>().is_err(), "{text}");
    }
}
