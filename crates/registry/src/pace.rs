// SPDX-License-Identifier: Apache-2.0
//! Least pace of a connection.
//!
//! The limit on silence alone would let a server hold a transfer for ever with a byte now and
//! then. So bytes are counted on the socket itself, beneath TLS, headers and transfer encodings,
//! and in both directions: fewer than [`LEAST_BYTES`] in the time limit are too few.

use std::time::{Duration, Instant};

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time,
};

use crate::error::{Error, RegistryCode};

/// Least bytes in the time limit, in either direction.
pub const LEAST_BYTES: u64 = 4096;

/// Size of the buffer that is sent at once.
pub const OUTPUT_BYTES: usize = 64 * 1024;

/// More bytes than TLS sends without a request in the middle of an answer.
const LEAST_REQUEST: usize = 64;

/// Limits the pace of the connections that a chain makes.
#[derive(Debug)]
pub struct Pacer {
    /// Time limit for [`LEAST_BYTES`].
    pub limit: Duration,
}

impl<In: Transport> Connector<In> for Pacer {
    type Out = Paced<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Paced<In>>, ureq::Error> {
        let host = details.uri.authority().map_or("", |all| all.as_str());
        let pace = || Pace {
            limit: self.limit,
            // A proxy's address may hold a password.
            host: host.rsplit('@').next().unwrap_or_default().to_owned(),
            waited: Duration::ZERO,
            bytes: 0,
        };
        Ok(chained.map(|inner| Paced {
            inner,
            answer_began: false,
            incoming: pace(),
            outgoing: pace(),
        }))
    }
}

/// A connection with a least pace.
#[derive(Debug)]
pub struct Paced<T> {
    inner: T,
    /// True where bytes have come since a request was sent: the time until then is limited
    /// elsewhere.
    answer_began: bool,
    incoming: Pace,
    outgoing: Pace,
}

impl<T: Transport> Transport for Paced<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if amount >= LEAST_REQUEST {
            self.answer_began = false;
            self.incoming.restart();
        }
        let started = Instant::now();
        self.inner
            .transmit_output(amount, self.outgoing.cap(timeout))?;
        self.outgoing.note(amount, started.elapsed())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let before = self.inner.buffers().input().len();
        let started = Instant::now();
        let progress = self.inner.await_input(timeout)?;
        let count = self.inner.buffers().input().len().saturating_sub(before);
        if self.answer_began {
            self.incoming.note(count, started.elapsed())?;
        } else {
            self.answer_began = true;
            self.incoming.note(count, Duration::ZERO)?;
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Bytes in one direction, and the time waited for them.
#[derive(Debug)]
struct Pace {
    limit: Duration,
    host: String,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn restart(&mut self) {
        (self.waited, self.bytes) = (Duration::ZERO, 0);
    }

    /// A write of the whole buffer has the same limit.
    fn cap(&self, mut timeout: NextTimeout) -> NextTimeout {
        let limit = time::Duration::from(self.limit);
        if limit < timeout.after {
            timeout.after = limit;
        }
        timeout
    }

    fn note(&mut self, bytes: usize, waited: Duration) -> Result<(), ureq::Error> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.waited = self.waited.saturating_add(waited);
        let pace = u128::from(self.bytes).saturating_mul(self.limit.as_nanos());
        let least = u128::from(LEAST_BYTES).saturating_mul(self.waited.as_nanos());
        if self.waited > self.limit && pace < least {
            let detail = format!(
                "{} bytes in {} s, of at least {LEAST_BYTES} in {} s",
                self.bytes,
                self.waited.as_secs_f32(),
                self.limit.as_secs_f32()
            );
            let error = Error::new(RegistryCode::Timeout, &self.host).because(detail);
            return Err(ureq::Error::Io(error.into()));
        }
        if self.bytes >= LEAST_BYTES {
            self.restart();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells if a pace of bytes, each after a time in milliseconds, is enough.
    fn enough(pace: &[(usize, u64)]) -> bool {
        let mut found = Pace {
            limit: Duration::from_secs(1),
            host: "host".to_owned(),
            waited: Duration::ZERO,
            bytes: 0,
        };
        let mut noted = pace
            .iter()
            .map(|(bytes, waited)| found.note(*bytes, Duration::from_millis(*waited)));
        noted.all(|noted| noted.is_ok())
    }

    #[test]
    fn a_pace_is_judged_by_the_time_waited() {
        assert!(enough(&[(1, 0); 10_000]));
        assert!(enough(&[(1, 1000)]));
        assert!(enough(&[(4096, 1000); 100]));
        assert!(enough(&[(16 << 10, 4000); 100]));
        // A long silence after many bytes is limited elsewhere.
        assert!(enough(&[(1 << 20, 900), (1, 900)]));
        assert!(!enough(&[(1, 1001)]));
        assert!(!enough(&[(1, 1); 1001]));
        assert!(!enough(&[(4095, 1001)]));
        assert!(!enough(&[(1 << 20, 1), (1, 900), (1, 200)]));
        assert!(!enough(&[(16 << 10, 4001)]));
    }
}
