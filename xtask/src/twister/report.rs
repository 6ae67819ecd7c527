// SPDX-License-Identifier: Apache-2.0
//! Results of twister, for one board and for all.

use std::fmt::Write as _;

use serde_json::Value;

/// Results of one board.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct BoardReport {
    pub board: String,
    /// Test cases that were executed.
    pub executed: usize,
    /// Executed test cases that did not pass, by name.
    pub failed: Vec<String>,
    /// Configurations that were built, but not to be run.
    pub built: usize,
    /// Configurations and test cases that were not executed, and the reason.
    pub skipped: Vec<(String, String)>,
}

impl BoardReport {
    /// Reads twister's report. `scenarios` are all configurations that twister was given.
    pub fn of(board: &str, report: &Value, scenarios: &[String]) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut of = Self {
            board: board.to_owned(),
            ..Self::default()
        };
        let suites = list(&report["testsuites"]);
        let name = |suite: &Value| {
            let path = text(&suite["name"]);
            path.rsplit('/').next().unwrap_or_default().to_owned()
        };
        for scenario in scenarios {
            if !suites.iter().any(|suite| name(suite) == *scenario) {
                let reason = "not for this board (platform_allow)".to_owned();
                of.skipped.push((scenario.clone(), reason));
            }
        }
        for suite in &suites {
            let status = text(&suite["status"]);
            if matches!(&*status, "filtered" | "skipped") {
                of.skipped.push((name(suite), text(&suite["reason"])));
                continue;
            }
            // A suite that is built only has passed, by the reports of Zephyr 3.
            if suite["runnable"] == false && matches!(&*status, "passed" | "not run") {
                of.built += 1;
                continue;
            }
            for case in list(&suite["testcases"]) {
                let case_name = text(&case["identifier"]);
                match &*text(&case["status"]) {
                    "passed" => of.executed += 1,
                    "failed" | "error" | "blocked" => {
                        of.executed += 1;
                        of.failed.push(case_name);
                    }
                    _ => of.skipped.push((case_name, text(&case["reason"]))),
                }
            }
        }
        of
    }
}

/// Table of all boards, and the reason of each skip.
pub fn summary(boards: &[BoardReport]) -> String {
    let mut text = String::from(
        "| board | test cases executed | failed | configurations built only | skipped |\n\
         |---|---|---|---|---|\n",
    );
    for of in boards {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            of.board,
            of.executed,
            of.failed.len(),
            of.built,
            of.skipped.len()
        );
    }
    for of in boards {
        for case in &of.failed {
            let _ = writeln!(text, "{}: failed: {case}", of.board);
        }
        for (name, reason) in &of.skipped {
            let _ = writeln!(text, "{}: skipped: {name}: {reason}", of.board);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn executed_cases_are_counted_and_skipped_ones_are_named() {
        let suite = |name: &str, status: &str, runnable: bool, cases: &[&str]| {
            let cases: Vec<Value> = cases
                .iter()
                .map(|case| json!({ "identifier": format!("{name}.{case}"), "status": case, "reason": "so" }))
                .collect();
            json!({
                "name": format!("a/b/{name}"), "status": status, "runnable": runnable,
                "reason": "why", "testcases": cases,
            })
        };
        let report = json!({ "testsuites": [
            suite("one", "passed", true, &["passed", "skipped", "passed"]),
            suite("two", "failed", true, &["failed", "passed", "blocked"]),
            suite("three", "passed", false, &["passed"]),
            suite("four", "not run", false, &["not run"]),
            suite("five", "error", false, &["blocked"]),
            suite("six", "filtered", true, &["filtered"]),
        ] });
        let scenarios = ["one", "seven"].map(str::to_owned);
        let of = BoardReport::of("a board", &report, &scenarios);
        assert_eq!((of.executed, of.built), (6, 2));
        assert_eq!(of.failed, ["two.failed", "two.blocked", "five.blocked"]);
        let skipped = of.skipped.iter().map(|(name, _)| &**name);
        assert_eq!(skipped.collect::<Vec<_>>(), ["seven", "one.skipped", "six"]);
        let text = summary(&[of]);
        assert!(text.contains("| a board | 6 | 3 | 2 | 3 |"), "{text}");
        assert!(text.contains("a board: skipped: six: why"), "{text}");
        let none = BoardReport::of("", &json!({ "testsuites": [] }), &[]);
        assert_eq!(none, BoardReport::default());
    }
}
