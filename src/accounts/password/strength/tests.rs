//! The estimate, held against that of the crate `zxcvbn`.

use proptest::prelude::*;

use super::*;
use crate::accounts::clock::{Clock, SystemClock};

const OWN: [&str; 3] = ["ada.lovelace@example.com", "countess", "Ada Lovelace"];

fn score(password: &str) -> u32 {
    Context::new(OWN, 2026).estimate(password).score
}

/// The score that the crate gives, which is told the same words one by one.
fn score_of_the_crate(password: &str) -> u32 {
    let own =
        "ada.lovelace@example.com,ada.lovelace,adalovelace,ada,lovelace,example.com,example,com,countess,ada lovelace";
    let own = own.split(',').collect::<Vec<_>>();
    u32::from(u8::from(zxcvbn::zxcvbn(password, &own).score()))
}

#[test]
fn what_people_choose_has_the_score_that_zxcvbn_gives() {
    let passwords = "correct horse battery staple,a new password,another password,another one,password,Password1!,\
        P@ssw0rd123,drowssap,qwertyuiop,1qaz2wsx,zxcvbnm.,qazwsxedc,789456123,aaaaaaaa,abcabcabc,hunter22hunter22,\
        abcdefgh,zyxwvu,97531,19840525,1984-05-25,10.12.1815,iloveyou2,trustno1,Tr0ub4dor&3,D0g..................,\
        kX9#mQ2$,kX9#mQ2$w,ada.lovelace@example.com,lovelace1815,ecalevol,l0v3l4c3,countess!,Countess2024,\
        adalovelace,monkeydragon,sunshine summer,thisisalongsentence,caf\u{e9} au lait,\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c},\
        rWibMFACxAUGZmxhVncy,Ba9ZyWABu99[BK#6MBgbH88Tofv)vs$w,neverforget13/3/1997,coRrecth0rseba++ery9.23.2007staple$,\
        scorpions,jennifersmith1990,qwer1234asdf,p4ssw0rd,m0nk3y!!,november2025,00000000,letmein!,asdfghjkl;'";
    let all = passwords.split(',').map(str::trim);
    let other = all.filter(|password| score(password) != score_of_the_crate(password));
    let told = other.map(|password| format!("{password}: {}, not {}", score(password), score_of_the_crate(password)));
    assert_eq!(told.collect::<Vec<_>>(), Vec::<String>::new());
}

/// Of each kind of pattern, also of what is rare of its kind.
#[test]
fn each_pattern_takes_as_many_guesses_as_in_zxcvbn() {
    let context = Context::new([], SystemClock.now().year());
    let all_but = |most: f64, passwords: &str| {
        for password in passwords.split_whitespace() {
            // The crate counts the guess that is right, too.
            let ours = (context.cover(&password.chars().collect::<Vec<_>>()).guesses + 1.0).log10();
            let theirs = zxcvbn::zxcvbn(password, &[]).guesses_log10();
            assert!((ours - theirs).abs() <= most, "{password}: 10^{ours:.3}, not 10^{theirs:.3}");
        }
    };
    let sequences = "abcdefgh hgfedcba bcdefg ACEGIK zyxw ZYX 13579 97531 5678 9753 0246 aeimqu afkpu mnop defabc 345 6543abc \
        bdf";
    let keys = "asdfvbnm /*-+ zxcvfr456 !@#$%^";
    let repeats = "x9x9x9x9 2w2w xyxyxyxyxy1 zqzqzqzq";
    let dates = "13.5.1997 1997-05-13 13051997 970513 1351997 13/5/97 5131997 31121999 1984 2019 1899 20/12/99 12/20/49 \
        5/5/50 31.31.99 1/1/00 32/1/99 13-5.1997 13/5/1997/2 1.13.99 151297 19971305 1997513 9751 29.2.12 1/111/99 \
        99.99.12 2050/1/1 2051/1/1 31297 12597 13.13.13 0.0.12";
    let unknown = "k x9 #mQ2 \u{e9}\u{fc} kX9#mQ2$ ";
    for exact in [sequences, keys, repeats, dates, unknown] {
        all_but(0.005, exact);
    }
    // Ranks of words are rounded.
    let words = "1qaz2wsx zaq12wsx QWErtyuiop 789456123 qazWSXedc 741852963 7415963 qaWSedRF 4rfv5tgb mnbvcxz,./ \
        p@ssword 8aseball soc(er soc{er so[cer so<cer fr33dom 6olden an9el mar!na 1ove mar1na mar|na 7iger ba7man l0ve \
        pa55word $unshine +iger ale%is 2ebra PASSWORD Password passworD pAssWord drowssaP nimdA p4ssw0rd P4S5w0rd \
        aaa4dvark b@n@na ban@na 24680 ~~ qq ,,,,,,,, kkkkkkkkkkkk abcabcabc aaaaaaaa zzzz poiuytrewq qwertyuiop 11111 0101 2101";
    all_but(0.1, words);
}

#[test]
fn the_advice_says_why_and_nothing_of_the_password() {
    let advice = |password: &str| Context::new(OWN, 2026).estimate(password).advice.to_string();
    for (password, reason) in [
        ("password", "It is one of the ten most common passwords."),
        ("P@ssw0rd1", "It is like a common password."),
        ("ecalevol", "It has your name, your address or the name of this service in it."),
        ("qwertgfdsa", "It is a common password."),
        ("qwertyuiopasd", "It is like a common password."),
        ("7/*-+98", "Short paths over the keyboard are easy to guess."),
        ("hahahahahaha", "To repeat something makes it hardly any harder to guess."),
        ("abcdefghijk", "Sequences such as abc or 6543 are easy to guess."),
        ("25.12.1984", "Dates are easy to guess."),
        ("kX9#mQ2$", "It is too short for what it is made of."),
    ] {
        let told = advice(password);
        assert!(told.contains(reason) && told.contains("Add another word or two"), "{password}: {told}");
        assert!(password == "password" || !told.contains(password), "{told}");
    }
    assert!(advice("P@ssw0rd1").contains("Capitals do not help much."));
    assert!(advice("ecalevol").contains("written backwards"));
}

#[test]
fn a_password_of_any_length_is_judged_whole() {
    assert_eq!(score(&"a".repeat(256)), 1);
    assert_eq!(score(&"hunter2".repeat(36)), 1);
    assert_eq!(score(&format!("{}kX9#mQ2$wB", "a".repeat(200))), 4);
    assert_eq!((score(""), score("x")), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(password in "\\PC{0,40}", own in proptest::collection::vec("\\PC{0,40}", 0..4)) {
        let own = own.iter().map(String::as_str);
        prop_assert!(Context::new(own, 2026).estimate(&password).score <= 4);
    }

    #[test]
    fn random_characters_are_worth_what_zxcvbn_says(password in "[a-cs-t1-3 @$!.]{1,14}") {
        // The crate takes the same character twice for a part of the sequence behind it, and a word of substitutions and
        // one capital for nothing.
        let mut text = password.chars().collect::<Vec<_>>();
        text.dedup();
        let password = text.iter().collect::<String>();
        let ours = Context::new([], 2026).cover(&text).guesses.log10().min(10.0);
        let theirs = zxcvbn::zxcvbn(&password, &[]).guesses_log10().min(10.0);
        // Ranks are rounded, so nothing is thought to be much harder to guess than there. A word is seen here behind more
        // kinds of substitutions at once, so a text may be thought to be easier, by the guesses that such a word saves.
        prop_assert!((theirs - 2.5..=theirs + 0.3).contains(&ours), "{ours} and {theirs}");
    }
}
