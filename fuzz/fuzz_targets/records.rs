// SPDX-License-Identifier: Apache-2.0
//! Records of containers, as a partition gives them.
//!
//! The input is the first item of a record; its digest is put behind it, or no input would get
//! beyond that. An accepted record can be written, and is then read the same; the input without a
//! digest is always damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocre::container::Spec;
use ocre::container::record::{Dates, Error, MAX_BYTES, Origin, codec};
use ocre::container::state::{Cause, RunResult, State};
use ocre_oci::Sha256;

/// The head of a byte string of 32 bytes.
const CHECK_HEAD: [u8; 2] = [0x58, 0x20];

fuzz_target!(|body: &[u8]| {
    if !body.ends_with(&Sha256::of(&body[..body.len().saturating_sub(34)]).0) {
        let read = codec::read_spec(body, &mut Spec::blank());
        assert!(matches!(read, Err(Error::Damaged)));
        assert!(matches!(codec::read_state(body), Err(Error::Damaged)));
    }
    let record = [body, &CHECK_HEAD, &Sha256::of(body).0].concat();
    let mut spec = Spec::blank();
    if let Ok(created) = codec::read_spec(&record, &mut spec) {
        let write = |spec: &Spec, origin: Option<&Origin<'_>>| {
            let mut again = Vec::new();
            codec::write_spec(spec, created, origin, &mut |bytes| {
                again.extend_from_slice(bytes);
                Ok(())
            })
            .expect("memory takes it");
            again
        };
        let mut again = None;
        let _ = codec::read_origin(&record, &mut |origin| {
            again = Some(write(&spec, Some(origin)))
        });
        let again = again.unwrap_or_else(|| {
            spec.followed = 0;
            let again = write(&spec, None);
            assert!(again.len() <= MAX_BYTES);
            again
        });
        let mut same = Spec::blank();
        assert!(codec::read_spec(&again, &mut same) == Ok(created));
        assert!(same == spec);
    }
    if let Ok((state, dates)) = codec::read_state(&record) {
        // Only a live one is read as something that was not written.
        let written = match state {
            State::Ended(RunResult::Killed(Cause::Reset)) => State::Running,
            state => state,
        };
        let mut again = Vec::new();
        codec::write_state(written, &dates, &mut |bytes| {
            again.extend_from_slice(bytes);
            Ok(())
        })
        .expect("memory takes it");
        let (read, same): (State, Dates) = codec::read_state(&again).expect("it was written");
        assert_eq!((read.to_string(), same), (state.to_string(), dates));
    }
});
