// SPDX-License-Identifier: Apache-2.0
//! Restart policies: which containers are started again, how soon, and how often.
//!
//! Promised: a container that was killed or stopped rests until somebody starts it, or until boot
//! if its policy is `always`. A container that fails again and again is started less and less
//! often, and then no more until somebody starts it.

use core::fmt;
use core::num::NonZeroU8;

use super::state::{Cause, RestartDecision, RunResult, State};

/// Most failures in a row, if the policy gives no number.
const MOST_FAILURES: u8 = 10;
/// Shortest run, in microseconds, that ends a row of failures.
pub const STABLE_US: u64 = 10_000_000;
/// Time before the first start again, in microseconds; it doubles with each failure in a row.
const FIRST_DELAY_US: u32 = 1_000_000;
/// Longest time before a start again, in microseconds.
const LONGEST_DELAY_US: u32 = 300_000_000;

/// Restart policy: when a container is started again after the end of a run.
///
/// ```
/// use ocre::container::Restart;
/// use ocre::container::state::{RestartDecision, RunResult};
///
/// let policy = Restart::parse("on-failure:1").unwrap();
/// let mut failures = 0;
/// let failed = RunResult::Exited(1);
/// assert_eq!(policy.after(failed, 500, &mut failures), RestartDecision::Restart);
/// assert_eq!(policy.after(failed, 500, &mut failures), RestartDecision::CrashLoop);
/// assert_eq!(policy.after(RunResult::Exited(0), 500, &mut 0), RestartDecision::Stop);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// After a run that did not exit with 0, at most this many times in a row.
    OnFailure(Option<NonZeroU8>),
    /// After every run.
    Always,
}

impl Restart {
    /// Parses `no`, `always`, `on-failure` or `on-failure:N` with an N from 1 to 255.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "no" => Some(Self::No),
            "always" => Some(Self::Always),
            "on-failure" => Some(Self::OnFailure(None)),
            _ => match text.strip_prefix("on-failure:")? {
                signed if signed.starts_with('+') => None,
                most => Some(Self::OnFailure(Some(most.parse().ok()?))),
            },
        }
    }

    /// Decides what follows the end of a run that lasted `ran_us` microseconds. Counts the failures
    /// in a row in `failures`.
    pub fn after(self, outcome: RunResult, ran_us: u64, failures: &mut u8) -> RestartDecision {
        if ran_us >= STABLE_US {
            *failures = 0;
        }
        let most = match (self, outcome) {
            (Self::No, _)
            | (_, RunResult::Killed(Cause::Kill | Cause::Stop))
            | (Self::OnFailure(_), RunResult::Exited(0)) => return RestartDecision::Stop,
            (Self::Always, RunResult::Exited(0)) => {
                *failures = 0;
                return RestartDecision::Restart;
            }
            (Self::OnFailure(Some(most)), _) => most.get(),
            (Self::OnFailure(None) | Self::Always, _) => MOST_FAILURES,
        };
        if *failures >= most {
            return RestartDecision::CrashLoop;
        }
        *failures = failures.saturating_add(1);
        RestartDecision::Restart
    }

    /// True where boot starts a container that it finds in this state.
    pub const fn at_boot(self, state: State) -> bool {
        matches!(
            (self, state),
            (
                Self::OnFailure(_) | Self::Always,
                State::Ended(RunResult::Killed(Cause::Reset))
            ) | (Self::Always, State::Ended(_))
        )
    }
}

/// True where a run shows that its image works, false where it shows that it does not; `None` where
/// the run was ended too soon to tell.
pub const fn works(outcome: RunResult, ran_us: u64) -> Option<bool> {
    match outcome {
        RunResult::Exited(0) => Some(true),
        _ if ran_us >= STABLE_US => Some(true),
        RunResult::Killed(Cause::Kill | Cause::Stop | Cause::Reset) => None,
        _ => Some(false),
    }
}

/// Delay before the next start after that many failures in a row, in microseconds.
pub fn delay_us(failures: u8) -> u32 {
    let doubled = u32::from(failures.saturating_sub(1)).min(9);
    FIRST_DELAY_US
        .saturating_mul(1 << doubled)
        .min(LONGEST_DELAY_US)
}

/// Displays a policy as [`Restart::parse`] takes it.
impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no"),
            Self::OnFailure(None) => f.write_str("on-failure"),
            Self::OnFailure(Some(most)) => write!(f, "on-failure:{most}"),
            Self::Always => f.write_str("always"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;
    use crate::container::state::StartFailure;
    use crate::port::Trap;

    const FAILED: RunResult = RunResult::Exited(1);
    const THREE: Restart = Restart::OnFailure(NonZeroU8::new(3));

    #[test]
    fn a_policy_is_read_as_it_is_shown() {
        for text in [
            "no",
            "always",
            "on-failure",
            "on-failure:1",
            "on-failure:255",
        ] {
            assert_eq!(Restart::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "yes",
            "on-failure:",
            "on-failure:0",
            "on-failure:256",
            "on-failure:+1",
            "always:1",
        ] {
            assert_eq!(Restart::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_policy_has_its_answer_to_each_end() {
        let failures = [
            FAILED,
            RunResult::Trapped(Trap::Unreachable),
            RunResult::Killed(Cause::TimeLimit),
            RunResult::Killed(Cause::Reset),
            RunResult::Failed(StartFailure::Thread),
        ];
        for failed in failures {
            for (policy, then) in [
                (Restart::No, RestartDecision::Stop),
                (Restart::OnFailure(None), RestartDecision::Restart),
                (Restart::Always, RestartDecision::Restart),
            ] {
                assert_eq!(policy.after(failed, 0, &mut 0), then, "{policy} {failed:?}");
            }
        }
        for asked in [Cause::Kill, Cause::Stop].map(RunResult::Killed) {
            for policy in [Restart::No, THREE, Restart::Always] {
                assert_eq!(policy.after(asked, 0, &mut 0), RestartDecision::Stop);
            }
        }
        let done = RunResult::Exited(0);
        assert_eq!(THREE.after(done, 0, &mut 0), RestartDecision::Stop);
        assert_eq!(
            Restart::Always.after(done, 0, &mut 0),
            RestartDecision::Restart
        );
    }

    #[test]
    fn what_fails_in_a_row_is_given_up_and_a_long_run_begins_a_new_row() {
        for (policy, most) in [
            (THREE, 3),
            (Restart::OnFailure(None), 10),
            (Restart::Always, 10),
        ] {
            let mut failures = 0;
            for _ in 0..most {
                assert_eq!(
                    policy.after(FAILED, 0, &mut failures),
                    RestartDecision::Restart
                );
            }
            assert_eq!(
                policy.after(FAILED, STABLE_US - 1, &mut failures),
                RestartDecision::CrashLoop
            );
            assert_eq!(
                policy.after(FAILED, STABLE_US, &mut failures),
                RestartDecision::Restart
            );
            assert_eq!(failures, 1);
        }
        let mut failures = 5;
        let done = Restart::Always.after(RunResult::Exited(0), 0, &mut failures);
        assert_eq!((done, failures), (RestartDecision::Restart, 0));
    }

    #[test]
    fn each_failure_doubles_the_delay_up_to_five_minutes() {
        let delays = [0, 1, 2, 3, 9, 10, u8::MAX].map(|failures| delay_us(failures) / 1_000_000);
        assert_eq!(delays, [1, 1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn at_boot_is_started_what_was_live_and_always_what_was_not_given_up() {
        let reset = State::Ended(RunResult::Killed(Cause::Reset));
        let stopped = State::Ended(RunResult::Killed(Cause::Stop));
        for (policy, state, started) in [
            (Restart::No, reset, false),
            (THREE, reset, true),
            (Restart::Always, reset, true),
            (THREE, stopped, false),
            (THREE, State::Ended(FAILED), false),
            (Restart::Always, stopped, true),
            (Restart::Always, State::Created, false),
            (Restart::Always, State::CrashLoop(FAILED), false),
        ] {
            assert_eq!(policy.at_boot(state), started, "{policy} {state}");
        }
    }
}
