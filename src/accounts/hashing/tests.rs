//! Passwords that are hashed and checked, as the rest of `accounts` does it.

use super::*;

const CHEAP: HashCost = HashCost { memory_kib: 8, iterations: 1, parallelism: 1 };

fn hasher(cost: HashCost) -> Hasher {
    Hasher::start(HashSettings { cost, threads: 1, queue: Some(9) }, Random).unwrap()
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

#[tokio::test]
async fn warm_memory_of_another_cost_changes_no_hash() {
    let large = hasher(HashCost { memory_kib: 256, iterations: 2, parallelism: 2 });
    let small = hasher(CHEAP);
    let hash = small.hash(Password::new("correct horse")).await.unwrap();
    large.hash(Password::new("something else")).await.unwrap();
    let verdict = large.verify(Password::new("correct horse"), Some(hash)).await.unwrap();
    assert_eq!(verdict, Verdict::RightButOutdated);
}

/// The value of the `argon2` command of the reference implementation:
/// `printf 'correct horse' | argon2 somesalt12345678 -id -k 64 -t 2 -p 2 -l 32 -e`.
#[tokio::test]
async fn it_agrees_with_the_reference_implementation() {
    let phc = REFERENCE.parse().unwrap();
    let verdict = hasher(CHEAP).verify(Password::new("correct horse"), Some(phc)).await.unwrap();
    assert_eq!(verdict, Verdict::RightButOutdated);
}

const REFERENCE: &str =
    "$argon2id$v=19$m=64,t=2,p=2$c29tZXNhbHQxMjM0NTY3OA$HqfsbePhQ0iCjxxCv8RSOjxYwbqIqJUTetmvsCcFRxQ";

#[test]
fn a_hash_is_written_as_it_was_read() {
    let hash: PasswordHash = REFERENCE.parse().unwrap();
    assert_eq!(hash.method().to_string(), REFERENCE);
}
