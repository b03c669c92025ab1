//! The Makefile, and what CI calls of it.

use std::collections::BTreeSet;

use super::text;

/// The targets that have a help text.
fn documented() -> BTreeSet<String> {
    let makefile = text("Makefile");
    let target = |line: &str| {
        let (rule, help) = line.split_once(" ## ")?;
        let (target, _) = rule.split_once(':')?;
        (!help.trim().is_empty() && !target.contains(['\t', '$'])).then(|| target.to_owned())
    };
    makefile.lines().filter_map(target).collect()
}

#[test]
fn every_target_says_what_it_does() {
    let makefile = text("Makefile");
    let phony = makefile.lines().find_map(|line| line.strip_prefix(".PHONY:")).unwrap();
    let phony = phony.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(documented(), phony);
    for expected in ["help", "run", "test", "check", "check-deps", "bench", "openapi"] {
        assert!(phony.contains(expected), "{expected}");
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let readme = text("README.md");
    for command in ["make test", "cargo run --release"] {
        assert!(readme.contains(&format!("```sh\n{command}\n```")), "{command}");
    }
    let script = text(".ci/run");
    assert!(script.starts_with("#!/usr/bin/env bash\nset -euo pipefail\n"), "{script}");
    assert_eq!(script.lines().last(), Some("make test"));
}

#[test]
fn the_scripts_can_be_executed() {
    use std::os::unix::fs::PermissionsExt;
    for script in [".ci/run", ".ci/test-tools"] {
        let mode = super::root().join(script).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} has mode {mode:o}");
    }
}
