// SPDX-License-Identifier: Apache-2.0
//! State machine of a container, without side effects.
//!
//! Promised: every event has exactly one answer in every state, a new state with an action or a
//! refusal with a stable code; nothing else in the runtime decides what a container may do next.
//! `docs/states.md` shows the whole table, and a test keeps it true.

use core::fmt;

use crate::image::verdict::Code;
use crate::port::Trap;

/// State of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The container has not run since it was created or started again.
    Created,
    /// The container has a thread: it is being loaded, or its guest runs.
    Running,
    /// The guest is held at a safe point.
    Paused,
    /// The last run is over, and the next one starts after a delay.
    Restarting(RunResult),
    /// The last run is over.
    Ended(RunResult),
    /// The last run is over, and the container has failed too often to be started again.
    CrashLoop(RunResult),
}

/// Result of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunResult {
    /// The guest exited with this code.
    Exited(i32),
    /// An error of the guest ended the run.
    Trapped(Trap),
    /// The run was ended from outside.
    Killed(Cause),
    /// The guest's entry point was never called.
    Failed(StartFailure),
}

/// Cause of a kill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Somebody asked for the kill.
    Kill,
    /// The grace period of a stop request was over.
    Stop,
    /// The time limit of the run was over.
    TimeLimit,
    /// The device was reset, or lost its power, during the run.
    Reset,
}

impl Cause {
    /// All causes, in order of declaration.
    pub const ALL: [Self; 4] = [Self::Kill, Self::Stop, Self::TimeLimit, Self::Reset];

    /// Finds the cause with that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }

    /// Word for the cause.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Stop => "stop",
            Self::TimeLimit => "time-limit",
            Self::Reset => "reset",
        }
    }
}

/// Reason why a run did not get as far as the guest's entry point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartFailure {
    /// The executable layer is refused, with the judge's code.
    Image(Code),
    /// The container's folder on the partition is not found.
    DataMissing,
    /// The engine could not make an instance: a data segment outside the memory, say.
    Instantiate,
    /// There is no thread, or no stack, for the guest.
    Thread,
}

impl StartFailure {
    /// Finds the failure with that code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::DataMissing, Self::Instantiate, Self::Thread]
            .into_iter()
            .find(|failure| failure.code() == code)
            .or_else(|| Code::from_name(code).map(Self::Image))
    }

    /// The stable code, as `docs/errors.md` lists it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Image(code) => code.as_str(),
            Self::DataMissing => "start-data-missing",
            Self::Instantiate => "start-instantiate",
            Self::Thread => "start-thread",
        }
    }
}

impl RunResult {
    /// Exit status of a command that stands for the run: the guest's own code; 134 after a trap and
    /// 137 after a kill, as shells have it after SIGABRT and SIGKILL; 1 where the guest never ran.
    pub const fn status(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Trapped(_) => 134,
            Self::Killed(_) => 137,
            Self::Failed(_) => 1,
        }
    }

    /// The word or stable code for why it ended so; none where the guest has its own code.
    #[inline(never)]
    pub fn why(self) -> &'static str {
        match self {
            Self::Exited(_) => "",
            Self::Trapped(trap) => trap.code(),
            Self::Killed(cause) => cause.word(),
            Self::Failed(failure) => failure.code(),
        }
    }
}

impl State {
    /// Word for the state.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting(_) => "restarting",
            Self::CrashLoop(_) => "crash-loop",
            Self::Ended(RunResult::Exited(_)) => "exited",
            Self::Ended(RunResult::Trapped(_)) => "trapped",
            Self::Ended(RunResult::Killed(_)) => "killed",
            Self::Ended(RunResult::Failed(_)) => "failed",
        }
    }

    /// Result of the last run; `None` in states without one.
    pub const fn outcome(self) -> Option<RunResult> {
        match self {
            Self::Created | Self::Running | Self::Paused => None,
            Self::Restarting(outcome) | Self::Ended(outcome) | Self::CrashLoop(outcome) => {
                Some(outcome)
            }
        }
    }

    /// True where the container has a thread.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }
}

/// Displays the word, and in parentheses the exit code or the reason: `exited(3)`,
/// `killed(time-limit)`; after a further word, where there is one: `restarting exited(3)`.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match *self {
            Self::Created | Self::Running | Self::Paused => Ok(()),
            Self::Restarting(outcome) | Self::CrashLoop(outcome) => {
                f.write_str(" ")?;
                Self::Ended(outcome).fmt(f)
            }
            Self::Ended(RunResult::Exited(code)) => write!(f, "({code})"),
            Self::Ended(outcome) => write!(f, "({})", outcome.why()),
        }
    }
}

/// Decision of the restart policy at the end of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestartDecision {
    /// The container stays ended.
    Stop,
    /// The container runs again.
    Restart,
    /// The container has failed too often to run again.
    CrashLoop,
}

/// Event in a container's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifecycleEvent {
    /// Request to run.
    Start,
    /// Request to run from the beginning.
    Restart,
    /// Stop request.
    Stop,
    /// Request for a kill.
    Kill,
    /// Request to hold the guest.
    Pause,
    /// Request to let the guest go on.
    Unpause,
    /// Request for the result of the run.
    Wait,
    /// Request to remove the container, unless it is live.
    Remove,
    /// Request to remove the container, even a live one.
    RemoveByForce,
    /// End of the thread.
    End(RunResult, RestartDecision),
}

/// Action of the supervisor on an event, once the new state is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Give the container a thread.
    Spawn,
    /// Forget the last run, and put the same event again.
    Again,
    /// Show the guest the stop request, and kill it after the grace period.
    AskToStop,
    /// End the run.
    Kill,
    /// Do not run the container again.
    Rest,
    /// Stop the container, and put the same event again.
    StopFirst,
    /// Hold the guest at the next safe point.
    Hold,
    /// Let the guest go on.
    Release,
    /// Wait for the end of the run.
    Await,
    /// Report the result of the run.
    Report,
    /// Give back the slot, the log and the data.
    Remove,
    /// End the run, wait for its end, then remove the container.
    KillAndRemove,
    /// Write the end to the record, and notify those who wait.
    Announce,
}

/// Reason why an event changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The container is running.
    Running,
    /// The container is paused.
    Paused,
    /// The container is not running.
    NotRunning,
    /// The container is not paused.
    NotPaused,
    /// The container has not been started.
    NotStarted,
}

impl Refusal {
    /// The stable code, as `docs/errors.md` lists it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "container-running",
            Self::Paused => "container-paused",
            Self::NotRunning => "container-not-running",
            Self::NotPaused => "container-not-paused",
            Self::NotStarted => "container-not-started",
        }
    }
}

impl State {
    /// Returns the answer to an event: the new state and the action.
    ///
    /// # Errors
    /// The event does not suit the state, which stays as it is.
    pub const fn on(self, event: LifecycleEvent) -> Result<(Self, Action), Refusal> {
        use State::{CrashLoop, Created, Ended, Paused, Restarting, Running};

        Ok(match (self, event) {
            (Created | Restarting(_), LifecycleEvent::Start | LifecycleEvent::Restart) => {
                (Running, Action::Spawn)
            }
            (Ended(_) | CrashLoop(_), LifecycleEvent::Start | LifecycleEvent::Restart) => {
                (Created, Action::Again)
            }
            (Running | Paused, LifecycleEvent::Restart) => (self, Action::StopFirst),

            (Running, LifecycleEvent::Stop) => (self, Action::AskToStop),
            // A paused guest can't see a stop request, and would only be killed later.
            (Paused, LifecycleEvent::Stop) | (Running | Paused, LifecycleEvent::Kill) => {
                (self, Action::Kill)
            }
            (Restarting(outcome), LifecycleEvent::Stop | LifecycleEvent::Kill) => {
                (Ended(outcome), Action::Rest)
            }

            (Running, LifecycleEvent::Pause) => (Paused, Action::Hold),
            (Paused, LifecycleEvent::Unpause) => (Running, Action::Release),

            (Running | Paused | Restarting(_), LifecycleEvent::Wait) => (self, Action::Await),
            (Ended(_) | CrashLoop(_), LifecycleEvent::Wait) => (self, Action::Report),
            (Created, LifecycleEvent::Wait) => return Err(Refusal::NotStarted),

            (
                Created | Restarting(_) | Ended(_) | CrashLoop(_),
                LifecycleEvent::Remove | LifecycleEvent::RemoveByForce,
            ) => (self, Action::Remove),
            (Running | Paused, LifecycleEvent::RemoveByForce) => (self, Action::KillAndRemove),

            (Running | Paused, LifecycleEvent::End(outcome, then)) => {
                let next = match then {
                    RestartDecision::Stop => Ended(outcome),
                    RestartDecision::Restart => Restarting(outcome),
                    RestartDecision::CrashLoop => CrashLoop(outcome),
                };
                (next, Action::Announce)
            }

            (Running, LifecycleEvent::Start | LifecycleEvent::Remove) => {
                return Err(Refusal::Running);
            }
            (Paused, LifecycleEvent::Start | LifecycleEvent::Remove | LifecycleEvent::Pause) => {
                return Err(Refusal::Paused);
            }
            (
                Created | Running | Restarting(_) | Ended(_) | CrashLoop(_),
                LifecycleEvent::Unpause,
            ) => {
                return Err(Refusal::NotPaused);
            }
            (Created | Ended(_) | CrashLoop(_), LifecycleEvent::Stop | LifecycleEvent::Kill)
            | (
                Created | Restarting(_) | Ended(_) | CrashLoop(_),
                LifecycleEvent::Pause | LifecycleEvent::End(..),
            ) => {
                return Err(Refusal::NotRunning);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::fmt::Write as _;
    use std::string::String;
    use std::vec::Vec;
    use std::{format, println};

    use super::*;

    const OUTCOMES: [RunResult; 4] = [
        RunResult::Exited(3),
        RunResult::Trapped(Trap::Unreachable),
        RunResult::Killed(Cause::TimeLimit),
        RunResult::Failed(StartFailure::Instantiate),
    ];

    const EVENTS: [(&str, LifecycleEvent); 12] = [
        ("start", LifecycleEvent::Start),
        ("restart", LifecycleEvent::Restart),
        ("stop", LifecycleEvent::Stop),
        ("kill", LifecycleEvent::Kill),
        ("pause", LifecycleEvent::Pause),
        ("unpause", LifecycleEvent::Unpause),
        ("wait", LifecycleEvent::Wait),
        ("remove", LifecycleEvent::Remove),
        ("remove by force", LifecycleEvent::RemoveByForce),
        (
            "its run ends",
            LifecycleEvent::End(OUTCOMES[0], RestartDecision::Stop),
        ),
        (
            "its run ends and its policy wants another",
            LifecycleEvent::End(OUTCOMES[0], RestartDecision::Restart),
        ),
        (
            "its run ends and it has failed too often",
            LifecycleEvent::End(OUTCOMES[0], RestartDecision::CrashLoop),
        ),
    ];

    fn states() -> Vec<State> {
        let live = [State::Created, State::Running, State::Paused];
        live.into_iter()
            .chain(OUTCOMES.map(State::Restarting))
            .chain(OUTCOMES.map(State::Ended))
            .chain(OUTCOMES.map(State::CrashLoop))
            .collect()
    }

    /// Table in `docs/states.md`.
    fn table() -> String {
        let mut text = String::from(
            "| event | created | running | paused | restarting | exited, trapped, killed, failed, \
             crash-loop |\n|---|---|---|---|---|---|\n",
        );
        for (name, event) in EVENTS {
            write!(text, "| {name} ").unwrap();
            for state in &states()[..8] {
                // One outcome stands for all.
                if state
                    .outcome()
                    .is_some_and(|outcome| outcome != OUTCOMES[0])
                {
                    continue;
                }
                let cell = match state.on(event) {
                    Ok((next, action)) if next == *state => words(action),
                    Ok((State::Ended(_), action)) => format!("→ its outcome: {}", words(action)),
                    Ok((next, action)) => format!("→ {}: {}", next.word(), words(action)),
                    Err(refusal) => format!("`{}`", refusal.code()),
                };
                write!(text, "| {cell} ").unwrap();
            }
            text.push_str("|\n");
        }
        text
    }

    /// Words of an action: `KillAndRemove` as `kill and remove`.
    fn words(action: Action) -> String {
        let mut words = String::new();
        for character in format!("{action:?}").chars() {
            if character.is_uppercase() && !words.is_empty() {
                words.push(' ');
            }
            words.extend(character.to_lowercase());
        }
        words
    }

    #[test]
    fn the_table_in_the_docs_is_the_machines() {
        let table = table();
        println!("{table}");
        let docs = include_str!("../../docs/states.md");
        assert!(docs.contains(&table), "docs/states.md has another table");
    }

    #[test]
    fn however_a_run_ended_the_answers_are_the_same() {
        for (_, event) in EVENTS {
            for made in [State::Restarting, State::Ended, State::CrashLoop] {
                let kind = |outcome| {
                    let state = made(outcome);
                    state.on(event).map(|(next, action)| {
                        assert!(next.outcome().is_none_or(|told| told == outcome));
                        (next == state, next.word(), action)
                    })
                };
                for outcome in [RunResult::Exited(4), RunResult::Exited(i32::MIN)] {
                    assert_eq!(kind(outcome), kind(OUTCOMES[0]), "{event:?}");
                }
                let action = |outcome| made(outcome).on(event).map(|(_, action)| action);
                for outcome in OUTCOMES {
                    assert_eq!(action(outcome), action(OUTCOMES[0]), "{event:?}");
                }
            }
        }
    }

    #[test]
    fn what_has_crashed_too_often_does_what_has_ended_does() {
        for (_, event) in EVENTS {
            for outcome in OUTCOMES {
                let ended = State::Ended(outcome);
                let loops = State::CrashLoop(outcome);
                let same = |(next, action)| (if next == ended { loops } else { next }, action);
                assert_eq!(loops.on(event), ended.on(event).map(same), "{event:?}");
            }
        }
    }

    #[test]
    fn a_run_ends_only_through_its_thread_and_with_the_threads_outcome() {
        for state in states() {
            for (_, event) in EVENTS {
                if let Ok((next, _)) = state.on(event) {
                    let by_thread = matches!(event, LifecycleEvent::End(..));
                    assert_eq!(
                        state.is_live() && !next.is_live(),
                        by_thread && state.is_live()
                    );
                }
            }
            for outcome in OUTCOMES {
                for (then, next) in [
                    (RestartDecision::Stop, State::Ended(outcome)),
                    (RestartDecision::Restart, State::Restarting(outcome)),
                    (RestartDecision::CrashLoop, State::CrashLoop(outcome)),
                ] {
                    let expected = if state.is_live() {
                        Ok((next, Action::Announce))
                    } else {
                        Err(Refusal::NotRunning)
                    };
                    assert_eq!(state.on(LifecycleEvent::End(outcome, then)), expected);
                }
            }
        }
    }

    #[test]
    fn only_what_is_created_or_waits_for_its_next_run_gets_a_thread() {
        for state in states() {
            for event in [LifecycleEvent::Start, LifecycleEvent::Restart] {
                let (next, action) = match state.on(event) {
                    Ok((_, Action::StopFirst)) => {
                        assert!(state.is_live() && event == LifecycleEvent::Restart);
                        continue;
                    }
                    Ok(answer) => answer,
                    Err(refusal) => {
                        assert!(
                            state.is_live() && event == LifecycleEvent::Start,
                            "{refusal:?}"
                        );
                        continue;
                    }
                };
                let waits = matches!(state, State::Created | State::Restarting(_));
                assert_eq!(action == Action::Spawn, waits);
                assert_eq!(action == Action::Again, next == State::Created);
            }
        }
    }

    #[test]
    fn nothing_live_is_removed_before_its_end() {
        for state in states() {
            for event in [LifecycleEvent::Remove, LifecycleEvent::RemoveByForce] {
                let removed = matches!(state.on(event), Ok((_, Action::Remove)));
                assert_eq!(removed, !state.is_live(), "{event:?} in {state}");
            }
        }
    }

    #[test]
    fn a_state_is_told_in_a_word_and_why() {
        let shown: Vec<String> = states().iter().map(|state| format!("{state}")).collect();
        assert_eq!(
            shown,
            [
                "created",
                "running",
                "paused",
                "restarting exited(3)",
                "restarting trapped(trap-unreachable)",
                "restarting killed(time-limit)",
                "restarting failed(start-instantiate)",
                "exited(3)",
                "trapped(trap-unreachable)",
                "killed(time-limit)",
                "failed(start-instantiate)",
                "crash-loop exited(3)",
                "crash-loop trapped(trap-unreachable)",
                "crash-loop killed(time-limit)",
                "crash-loop failed(start-instantiate)",
            ]
        );
    }

    #[test]
    fn trap_kill_and_exit_are_told_apart_by_their_status() {
        assert_eq!(OUTCOMES.map(RunResult::status), [3, 134, 137, 1]);
    }
}
