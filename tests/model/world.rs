// SPDX-License-Identifier: Apache-2.0
//! A device and the model of its containers: operations on both, and their comparison.

use std::collections::BTreeMap;
use std::mem;
use std::num::NonZeroU8;
use std::sync::Arc;

use ocre::container::state::{Cause, Refusal, RunResult, StartFailure};
use ocre::container::table::Handle;
use ocre::container::{Error, Follow, Limits, Options, Restart, Spec, data, record};
use ocre::image::store::update::Tagged;
use ocre::lost;
use ocre::port::{EntryKind, Storage as _};
use ocre::supervisor::Supervisor;
use ocre_conformance::images::{get, put};
use ocre_conformance::numbers::PseudoRandom;

use crate::SECOND;
use crate::container::{Life, Model};
use crate::images::{Images, TAG, VERSIONS, import, tagged};
use crate::lead::Lead;
use crate::platform::{Happening, LOADING_US, Sim, boot};

/// Names of the containers.
pub const NAMES: [&str; 3] = ["a", "b", "c"];

/// A device and the model of its containers.
pub struct World<'a> {
    supervisor: Arc<Supervisor<Sim>>,
    models: Vec<Option<Model>>,
    images: &'a Images,
    lead: Lead,
    /// Handles of containers that are gone.
    stale: Vec<Handle>,
    /// Contents of `/lost+found`: of a folder's only file, or of a file.
    kept: BTreeMap<String, Vec<u8>>,
    /// Number of containers that were lost.
    lost: u32,
}

impl<'a> World<'a> {
    /// Creates a device without containers.
    pub fn new(images: &'a Images, numbers: PseudoRandom) -> Self {
        let storage = Arc::new(images.flash.clone());
        Self {
            supervisor: boot(storage, numbers, SECOND),
            models: vec![None; NAMES.len()],
            images,
            lead: Lead::default(),
            stale: Vec::new(),
            kept: BTreeMap::new(),
            lost: 0,
        }
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        self.sim().power_off();
    }
}

impl World<'_> {
    fn sim(&self) -> &Sim {
        self.supervisor.platform()
    }

    fn now(&self) -> u64 {
        self.sim().now()
    }

    pub fn below(&self, limit: usize) -> usize {
        self.sim().numbers.lock().below(limit)
    }

    fn one_of<T: Copy>(&self, choices: &[T]) -> T {
        self.sim().numbers.lock().one_of(choices)
    }

    /// Tells the model what has happened. Returns the failure of a start of the container `of` that
    /// did not get as far as its guest.
    pub fn follow(&mut self, of: usize) -> Option<StartFailure> {
        let mut failed = None;
        let happened = mem::take(&mut *self.sim().happened.lock());
        for (now, slot, watching, what) in happened {
            let index = self
                .models
                .iter()
                .position(|model| model.as_ref().is_some_and(|model| model.slot == slot))
                .expect("a container that is there");
            if let Happening::Spawned(_) = what
                && watching
            {
                // Of the due containers, the first in the order.
                let rank = |model: &Model| match model.life {
                    Life::Waiting { due_us, .. } if due_us <= now => Some((model.order, due_us)),
                    _ => None,
                };
                let least = self.models.iter().flatten().filter_map(rank).min();
                assert_eq!(
                    self.models[index].as_ref().and_then(rank),
                    least,
                    "the order"
                );
            }
            let model = self.models[index].as_mut().unwrap();
            let mut end = None;
            match what {
                Happening::Spawned(there) => {
                    model.spawned(now, watching);
                    failed = failed.filter(|_| index != of);
                    if !there {
                        end = Some(Err(StartFailure::Thread));
                    }
                }
                Happening::Followed => {
                    if model.follows {
                        model.version = self.lead.version;
                        model.tries = self.lead.before.is_some();
                    }
                }
                Happening::Ended(result) => {
                    let outcome = model.outcome(now, result);
                    if model.tries
                        && let Some(works) = model.works(now, outcome)
                        && self.lead.tried(model.version, works)
                        && !works
                    {
                        // The trial counts the failure.
                        model.failures = 0;
                    }
                    end = Some(result);
                }
            }
            if let Some(result) = end {
                model.ended(
                    now,
                    result,
                    !(watching && result == Err(StartFailure::Thread)),
                );
                if let (Err(failure), true) = (result, index == of) {
                    failed = Some(failure);
                }
            }
        }
        failed
    }

    /// Compares the visible state with the model.
    pub fn compare(&self, after: &str) {
        let leads_to = Tagged {
            fingerprint: self.images.judged[self.lead.version].1,
            on_trial: self.lead.before.is_some(),
        };
        assert_eq!(
            tagged(&self.sim().storage),
            leads_to,
            "{after}: {:?}",
            self.lead
        );
        let mut count = 0;
        self.supervisor.list(&mut |_| count += 1);
        assert_eq!(count, self.models.iter().flatten().count(), "{after}");
        for (name, model) in NAMES.iter().zip(&self.models) {
            let found = self.supervisor.find(name);
            let Some(model) = model else {
                assert_eq!(found, Err(Error::NotFound), "{after}");
                continue;
            };
            assert_eq!(found, Ok(model.handle), "{after}");
            let status = self.supervisor.status(model.handle).unwrap();
            assert_eq!(
                status.state,
                model.shown(),
                "{name} after {after}: {model:?}"
            );
            assert_eq!(
                (status.restarts, status.failures),
                (model.restarts, model.failures),
                "{name} after {after}: {model:?}"
            );
            let environment = |spec: &Spec| spec.image.environment.to_string();
            assert_eq!(
                self.supervisor.with_spec(model.handle, environment),
                Ok(format!("V={}\0", model.version)),
                "{name} after {after}: {model:?}"
            );
            let has_thread = self.sim().has_thread(model.slot);
            assert_eq!(has_thread, model.is_live(), "{name} after {after}");
            // A guest that is told to end does so.
            let told = model
                .kills
                .iter()
                .any(|(at, _)| at + 2 * LOADING_US < self.now());
            assert!(
                !model.is_live() || !told,
                "{name} after {after}: it lives on"
            );
        }
    }

    /// Compares `/lost+found` with the model.
    fn compare_kept(&self, after: &str) {
        let storage = &*self.sim().storage;
        let count = lost::count(storage).unwrap();
        assert_eq!(count as usize, self.kept.len(), "{after}: {:?}", self.kept);
        for (name, content) in &self.kept {
            let path = format!("{}/{name}", lost::ROOT);
            let path = match storage.metadata(&path).unwrap().kind {
                EntryKind::Directory => format!("{path}/file"),
                EntryKind::File | EntryKind::Symlink => path,
            };
            assert_eq!(&get(storage, &path), content, "{after}: {path}");
        }
    }

    /// Hides the record of a container, as a flipped bit does; the container has a file, or none.
    fn hide_record(&mut self, index: usize) {
        if self.models[index]
            .take_if(|model| !model.temporary)
            .is_none()
        {
            return;
        }
        let storage = Arc::clone(&self.sim().storage);
        let storage = &*storage;
        let name = NAMES[index];
        if self.below(2) == 0 {
            self.lost += 1;
            let content = self.lost.to_be_bytes().to_vec();
            put(storage, &format!("{}/{name}/file", data::ROOT), &content);
            self.keep(name.into(), content);
        }
        let record = |kind| format!("{}/{name}.{kind}", record::ROOT);
        storage.remove(&record("spec")).unwrap();
        if storage.metadata(&record("state")).is_ok() {
            let state = get(storage, &record("state"));
            self.keep(format!("{name}.state"), state);
        }
    }

    fn keep(&mut self, name: String, content: Vec<u8>) {
        let numbered = (1..).map(|number| format!("{name}.{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let vacant = names.find(|name| !self.kept.contains_key(name)).unwrap();
        self.kept.insert(vacant, content);
    }

    /// Removes a kept file or folder.
    fn discard(&mut self, index: usize) {
        let path = format!("{}/{}", lost::ROOT, NAMES[index]);
        let answer = self.supervisor.discard(&path);
        let expected = self.kept.remove(NAMES[index]).map(drop);
        assert_eq!(answer, expected.ok_or(Error::NotFound));
    }

    fn create(&mut self, index: usize) {
        let (image, fingerprint) = &self.images.judged[self.lead.version];
        let follow = Follow {
            tag: TAG,
            fingerprint: *fingerprint,
        };
        let follow = (self.below(2) == 0).then_some(follow);
        let options = Options {
            follow,
            restart: self.one_of(&[
                Restart::No,
                Restart::Always,
                Restart::OnFailure(None),
                Restart::OnFailure(NonZeroU8::new(1)),
                Restart::OnFailure(NonZeroU8::new(3)),
            ]),
            limits: Limits {
                priority: self.below(3) as u8,
                time_limit_ms: self.one_of(&[None, None, Some(1), Some(700), Some(15_000)]),
                ..Limits::default()
            },
            // Its input ends with a stop request, until a reboot.
            attached: true,
            temporary: self.below(2) == 0,
            ..Options::default()
        };
        let created = self.supervisor.create(Some(NAMES[index]), image, &options);
        if self.models[index].is_some() {
            assert_eq!(created, Err(Error::NameTaken));
            return;
        }
        let handle = created.unwrap();
        self.models[index] = Some(Model {
            slot: handle.slot(),
            handle,
            policy: options.restart,
            order: options.limits.priority,
            limit_us: options.limits.time_limit_ms.map(|ms| u64::from(ms) * 1000),
            temporary: options.temporary,
            follows: follow.is_some() && !options.temporary,
            version: self.lead.version,
            tries: false,
            life: Life::New,
            failures: 0,
            restarts: 0,
            recorded: Some(Life::New),
            started_us: 0,
            asked: false,
            kills: Vec::new(),
        });
    }

    /// Checks the answer of a start by hand against the events.
    fn started(&mut self, index: usize, answer: Result<(), Error>) {
        let failed = self.follow(index);
        assert_eq!(
            answer,
            failed.map_or(Ok(()), |failure| Err(Error::Start(failure)))
        );
        let model = self.models[index].as_mut().unwrap();
        // The record is brought up to the present state.
        model.recorded = model.rests().map(|_| model.life);
    }

    /// Changes the model as a stop request does.
    fn told_to_stop(&mut self, index: usize, grace_us: u64) {
        let now = self.now();
        let model = self.models[index].as_mut().unwrap();
        match model.life {
            Life::Live { paused } => {
                model.asked = true;
                let wait = if paused { 0 } else { grace_us };
                model.kills.push((now + wait, Cause::Stop));
            }
            Life::Waiting { last, .. } => self.rests(index, last),
            _ => {}
        }
    }

    fn rests(&mut self, index: usize, last: RunResult) {
        let model = self.models[index].as_mut().unwrap();
        model.life = Life::Resting(last);
        model.recorded = Some(model.life);
    }

    /// Does a random operation on a container. Returns its description.
    pub fn operate(&mut self, index: usize) -> String {
        let supervisor = Arc::clone(&self.supervisor);
        let choice = self.below(22);
        let grace_us = self.one_of(&[0, 30, 1000, 2 * SECOND]);
        let Some(model) = self.models[index].clone() else {
            match choice {
                0..14 => self.create(index),
                14 => self.discard(index),
                15 => self.reboot(),
                16 | 17 => self.update(),
                _ => {
                    let by = self.one_of(&[10, 5000, SECOND, 20 * SECOND]);
                    self.pass(by);
                }
            }
            return format!("create, discard, reboot or time for {}", NAMES[index]);
        };
        let handle = model.handle;
        let not_running = Err(Error::State(Refusal::NotRunning));
        let busy = Err(Error::State(model.refusal_of_a_change()));
        match choice {
            0 => self.create(index),
            1..5 => {
                let answer = supervisor.start(handle);
                if model.is_live() {
                    assert_eq!(answer, busy);
                } else {
                    self.started(index, answer);
                }
            }
            5 => {
                if model.is_live() {
                    self.told_to_stop(index, grace_us);
                }
                let answer = supervisor.restart(handle, grace_us);
                self.started(index, answer);
            }
            6 => {
                let was_there = model.is_live() || matches!(model.life, Life::Waiting { .. });
                self.told_to_stop(index, grace_us);
                let answer = supervisor.stop(handle, grace_us);
                self.follow(index);
                let rests = self.models[index].as_ref().unwrap().rests();
                let expected = if was_there {
                    Ok(rests.expect("it has stopped"))
                } else {
                    Err(Error::State(Refusal::NotRunning))
                };
                assert_eq!(answer, expected);
            }
            7 | 8 => {
                let answer = supervisor.kill(handle);
                match model.life {
                    Life::Live { .. } => {
                        let now = self.now();
                        let model = self.models[index].as_mut().unwrap();
                        model.kills.push((now, Cause::Kill));
                        assert_eq!(answer, Ok(()));
                    }
                    Life::Waiting { last, .. } => {
                        self.rests(index, last);
                        assert_eq!(answer, Ok(()));
                    }
                    _ => assert_eq!(answer, not_running),
                }
            }
            9 | 10 => {
                let answer = supervisor.pause(handle);
                match model.life {
                    Life::Live { paused: false } => {
                        assert_eq!(answer, Ok(()));
                        let model = self.models[index].as_mut().unwrap();
                        model.life = Life::Live { paused: true };
                    }
                    Life::Live { paused: true } => assert_eq!(answer, busy),
                    _ => assert_eq!(answer, not_running),
                }
            }
            11 | 12 => {
                let answer = supervisor.unpause(handle);
                if model.life == (Life::Live { paused: true }) {
                    assert_eq!(answer, Ok(()));
                    let model = self.models[index].as_mut().unwrap();
                    model.life = Life::Live { paused: false };
                } else {
                    assert_eq!(answer, Err(Error::State(Refusal::NotPaused)));
                }
            }
            13 => {
                let until = self.now() + grace_us;
                let answer = supervisor.wait(handle, Some(until));
                self.follow(index);
                let expected = match self.models[index].as_ref().unwrap() {
                    model if model.life == Life::New => Err(Error::State(Refusal::NotStarted)),
                    model => model.rests().ok_or(Error::TimedOut),
                };
                assert_eq!(answer, expected);
            }
            14 | 15 => {
                let force = choice == 15;
                if force && model.is_live() {
                    let now = self.now();
                    let model = self.models[index].as_mut().unwrap();
                    model.kills.push((now, Cause::Kill));
                }
                let answer = supervisor.remove(handle, force);
                self.follow(index);
                if !force && model.is_live() {
                    assert_eq!(answer, busy);
                } else {
                    assert_eq!(answer, Ok(()));
                    self.models[index] = None;
                    self.stale.push(handle);
                }
            }
            16 => self.reboot(),
            17 | 18 => self.update(),
            _ => {
                let by = self.one_of(&[10, 200, 5000, SECOND, 20 * SECOND, 400 * SECOND]);
                self.pass(by);
            }
        }
        if let Some(stale) = self.stale.last() {
            assert_eq!(supervisor.status(*stale).err(), Some(Error::NotFound));
            assert_eq!(supervisor.kill(*stale), Err(Error::NotFound));
        }
        format!("{choice} on {}", NAMES[index])
    }

    fn update(&mut self) {
        let to = self.below(VERSIONS);
        import(&self.sim().storage, &self.images.layouts[to]);
        self.lead.update(to);
    }

    fn pass(&mut self, by_us: u64) {
        let until = self.now() + by_us;
        while self.sim().step(until) {}
    }

    /// Turns the power off and on.
    fn reboot(&mut self) {
        self.follow(0);
        if self.below(4) == 0 {
            self.hide_record(self.below(NAMES.len()));
        }
        let sim = self.sim();
        let storage = Arc::clone(&sim.storage);
        let numbers = sim.numbers.lock().clone();
        let now = self.now();
        sim.power_off();
        self.supervisor = boot(storage, numbers, now);
        self.stale.clear();
        for (name, place) in NAMES.iter().zip(&mut self.models) {
            let Some(model) = place.as_mut().filter(|model| !model.temporary) else {
                *place = None;
                continue;
            };
            model.handle = self.supervisor.find(name).unwrap();
            model.slot = model.handle.slot();
            let reset = Life::Resting(RunResult::Killed(Cause::Reset));
            model.life = model.recorded.unwrap_or(reset);
            model.failures = 0;
            model.restarts = 0;
        }
        self.compare("boot");
        self.compare_kept("boot");
        self.supervisor.resume();
        for model in self.models.iter_mut().flatten() {
            let reset = model.recorded.is_none();
            if let Life::Resting(last) = model.life
                && match model.policy {
                    Restart::No => false,
                    Restart::OnFailure(_) => reset,
                    Restart::Always => true,
                }
            {
                model.life = Life::Waiting { last, due_us: now };
            }
        }
        self.compare("resume");
        // Else the moment of a due start, before or after the next operation, would be a matter of
        // luck.
        while self.sim().step(now) {}
    }
}
