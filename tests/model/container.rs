// SPDX-License-Identifier: Apache-2.0
//! Model of a container: its state, in plainer code than the supervisor's.

use ocre::container::Restart;
use ocre::container::state::{Cause, Refusal, RunResult, StartFailure, State};
use ocre::container::table::Handle;
use ocre::port::{Exit, Slot};

use crate::SECOND;

/// Model of a container.
#[derive(Clone, Debug)]
pub struct Model {
    pub slot: Slot,
    pub handle: Handle,
    pub policy: Restart,
    pub order: u8,
    pub limit_us: Option<u64>,
    pub temporary: bool,
    /// True where the container follows the tag; then the version of its image.
    pub follows: bool,
    pub version: usize,
    /// True where the run counts in the trial of the tag.
    pub tries: bool,
    pub life: Life,
    /// Failures in a row, and restarts by the policy.
    pub failures: u8,
    pub restarts: u32,
    /// Resting state in the record; `None` where the record says live.
    pub recorded: Option<Life>,
    pub started_us: u64,
    pub asked: bool,
    /// Times and causes of kills, in any order.
    pub kills: Vec<(u64, Cause)>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Life {
    New,
    Live { paused: bool },
    Waiting { last: RunResult, due_us: u64 },
    Resting(RunResult),
    Hopeless(RunResult),
}

impl Model {
    pub fn shown(&self) -> State {
        match self.life {
            Life::New => State::Created,
            Life::Live { paused: false } => State::Running,
            Life::Live { paused: true } => State::Paused,
            Life::Waiting { last, .. } => State::Restarting(last),
            Life::Resting(last) => State::Ended(last),
            Life::Hopeless(last) => State::CrashLoop(last),
        }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.life, Life::Live { .. })
    }

    /// Result of the last run, if no other is to follow.
    pub fn rests(&self) -> Option<RunResult> {
        match self.life {
            Life::Resting(last) | Life::Hopeless(last) => Some(last),
            _ => None,
        }
    }

    pub fn refusal_of_a_change(&self) -> Refusal {
        match self.life {
            Life::Live { paused: true } => Refusal::Paused,
            _ => Refusal::Running,
        }
    }

    pub fn spawned(&mut self, now: u64, by_itself: bool) {
        assert!(!self.is_live(), "it was live");
        if by_itself {
            let Life::Waiting { due_us, .. } = self.life else {
                panic!("nobody has asked for it");
            };
            assert_eq!(due_us, now, "it is started when it is due");
            self.restarts += 1;
        } else {
            self.restarts = 0;
            self.failures = 0;
        }
        self.life = Life::Live { paused: false };
        self.started_us = now;
        self.asked = false;
        self.tries = false;
        self.kills.clear();
        if let Some(limit) = self.limit_us {
            self.kills.push((now + limit, Cause::TimeLimit));
        }
    }

    /// Kills up to now, in any order.
    fn told(&self, now: u64) -> impl Iterator<Item = &(u64, Cause)> {
        self.kills.iter().filter(move |(at, _)| *at <= now)
    }

    pub fn outcome(&self, now: u64, result: Result<Exit, StartFailure>) -> RunResult {
        let first = self.told(now).min_by_key(|(at, _)| *at);
        match result {
            Ok(Exit::Code(code)) => RunResult::Exited(code),
            Ok(Exit::Trap(trap)) => RunResult::Trapped(trap),
            Err(failure) => RunResult::Failed(failure),
            Ok(Exit::Stopped) => RunResult::Killed(first.expect("nobody has told it to end").1),
        }
    }

    fn told_by_hand(&self, now: u64) -> bool {
        self.asked || self.told(now).any(|(_, cause)| *cause != Cause::TimeLimit)
    }

    /// True where the run, which is over, shows that its image works; `None` where it shows
    /// nothing.
    pub fn works(&self, now: u64, outcome: RunResult) -> Option<bool> {
        let works = outcome == RunResult::Exited(0) || now - self.started_us >= 10 * SECOND;
        (works || !self.told_by_hand(now)).then_some(works)
    }

    pub fn ended(&mut self, now: u64, result: Result<Exit, StartFailure>, recording: bool) {
        assert!(self.is_live(), "it was not live");
        let outcome = self.outcome(now, result);
        let told = self.told_by_hand(now);
        if now - self.started_us >= 10 * SECOND && !told {
            self.failures = 0;
        }
        let well = outcome == RunResult::Exited(0);
        let most = match self.policy {
            Restart::OnFailure(Some(most)) => most.get(),
            _ => 10,
        };
        let again = match self.policy {
            Restart::No => false,
            Restart::OnFailure(_) => !well,
            Restart::Always => true,
        };
        self.life = if !again || told {
            Life::Resting(outcome)
        } else if !well && self.failures == most {
            Life::Hopeless(outcome)
        } else {
            self.failures = if well { 0 } else { self.failures + 1 };
            let doubled = SECOND << (self.failures.max(1) - 1);
            Life::Waiting {
                last: outcome,
                due_us: now + doubled.min(300 * SECOND),
            }
        };
        if self.rests().is_some() && recording {
            self.recorded = Some(self.life);
        }
    }
}
