// SPDX-License-Identifier: Apache-2.0
//! Log of a container: its output, as far back as fits.
//!
//! Promised: writing never fails and never waits; each line keeps the time of its first byte
//! and its stream; when the ring is full the oldest records are dropped, whole, and counted; a reader
//! that falls behind goes on with the oldest record that is left; a reader that keeps up sees every
//! byte once, also of an unfinished line.
//!
//! Design: records of a header and at most [`MAX_LOG_RECORD`] bytes lie one after the other in a
//! ring of `N` bytes. Positions count every byte ever written, so they never repeat; a position
//! modulo `N` is an index into the ring. Within the log a position is a distance from the oldest
//! record, which is a small number.

use crate::limits::MAX_LOG_RECORD;
use crate::port::Stream;

/// Bytes of a record's header: uptime (8 bytes), length (2), stream (1), all little-endian.
const HEADER: usize = 11;

/// A ring of `N` bytes, a power of two.
#[derive(Debug)]
pub struct Log<const N: usize> {
    ring: [u8; N],
    /// Position of the oldest record.
    start: u64,
    /// Distance of the newest record; means nothing while the ring is empty.
    newest: usize,
    /// Distance of the end of the newest record.
    end: usize,
    dropped: u64,
}

/// Position of a reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cursor {
    record: u64,
    /// Number of the record's bytes that were read.
    read: usize,
}

/// A line, or a part of one, that [`Log::read`] has put into the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// Output that the guest wrote to.
    pub stream: Stream,
    /// Time of the first byte, in microseconds since boot.
    pub uptime_us: u64,
    /// Bytes in the buffer, at least 1. The last is a newline if the line ends here.
    pub length: usize,
    /// True where the reader has seen the beginning of this record already.
    pub continued: bool,
}

struct Header {
    uptime_us: u64,
    length: usize,
    stream: Stream,
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER] {
        let [a, b, c, d, e, f, g, h] = self.uptime_us.to_le_bytes();
        let length = u16::try_from(self.length).unwrap_or(u16::MAX);
        let [low, high] = length.to_le_bytes();
        let stream = match self.stream {
            Stream::Stdout => 0,
            Stream::Stderr => 1,
        };
        [a, b, c, d, e, f, g, h, low, high, stream]
    }

    fn from_bytes(bytes: [u8; HEADER]) -> Self {
        let [a, b, c, d, e, f, g, h, low, high, stream] = bytes;
        Self {
            uptime_us: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            length: usize::from(u16::from_le_bytes([low, high])),
            stream: match stream {
                0 => Stream::Stdout,
                _ => Stream::Stderr,
            },
        }
    }
}

impl<const N: usize> Log<N> {
    /// Creates an empty log.
    pub const fn new() -> Self {
        const {
            assert!(N.is_power_of_two(), "positions are wrapped by a mask");
            // Room for the newest record is made by dropping older ones, never itself.
            assert!(2 * (HEADER + MAX_LOG_RECORD) <= N && MAX_LOG_RECORD <= u16::MAX as usize);
        }
        Self {
            ring: [0; N],
            start: 0,
            newest: 0,
            end: 0,
            dropped: 0,
        }
    }

    /// Removes everything.
    pub const fn clear(&mut self) {
        (self.start, self.newest, self.end, self.dropped) = (0, 0, 0, 0);
    }

    /// Number of records that were dropped to make room.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds bytes that were written at `uptime_us`.
    pub fn write(&mut self, stream: Stream, uptime_us: u64, bytes: &[u8]) {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut rest = line;
            while !rest.is_empty() {
                let taken = match self.room_in_newest(stream) {
                    0 => self.begin(stream, uptime_us, rest),
                    room => self.extend(rest, room),
                };
                rest = rest.get(taken..).unwrap_or_default();
            }
        }
    }

    /// Number of bytes of this stream that still fit the newest record; 0 to begin another.
    fn room_in_newest(&self, stream: Stream) -> usize {
        if self.end == 0 || self.ends_line(self.newest) {
            return 0;
        }
        let newest = self.header(self.newest);
        if newest.stream != stream {
            return 0;
        }
        MAX_LOG_RECORD.saturating_sub(newest.length)
    }

    /// Begins a record with the front of `bytes`. Returns the number of bytes taken.
    fn begin(&mut self, stream: Stream, uptime_us: u64, bytes: &[u8]) -> usize {
        let length = bytes.len().min(MAX_LOG_RECORD);
        self.make_room(HEADER.saturating_add(length));
        self.newest = self.end;
        let header = Header {
            uptime_us,
            length,
            stream,
        };
        self.put_header(self.newest, &header);
        self.end = self.end.saturating_add(HEADER);
        self.append(bytes.get(..length).unwrap_or_default());
        length
    }

    /// Adds the front of `bytes`, at most `room`, to the newest record. Returns the number of bytes
    /// taken.
    fn extend(&mut self, bytes: &[u8], room: usize) -> usize {
        let taken = bytes.len().min(room);
        self.make_room(taken);
        let mut header = self.header(self.newest);
        header.length = header.length.saturating_add(taken);
        self.put_header(self.newest, &header);
        self.append(bytes.get(..taken).unwrap_or_default());
        taken
    }

    /// Drops the oldest records until `bytes` more fit.
    fn make_room(&mut self, bytes: usize) {
        while self.end.saturating_add(bytes) > N {
            let gone = self.next(0);
            self.start = self.position(gone);
            self.newest = self.newest.saturating_sub(gone);
            self.end = self.end.saturating_sub(gone);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Returns the distance of the record behind `record`.
    #[inline(never)]
    fn next(&self, record: usize) -> usize {
        let bytes = self.header(record).length;
        record.saturating_add(HEADER).saturating_add(bytes)
    }

    fn position(&self, distance: usize) -> u64 {
        self.start.saturating_add(distance as u64)
    }

    /// Returns the cursor of a reader that begins with the oldest record.
    pub const fn oldest(&self) -> Cursor {
        Cursor {
            record: self.start,
            read: 0,
        }
    }

    /// Returns the cursor of a reader that begins with the last `lines` lines.
    pub fn tail(&self, lines: usize) -> Cursor {
        let mut skip = self.lines().saturating_sub(lines);
        let mut record = 0;
        while skip > 0 && record < self.end {
            if self.ends_line(record) {
                skip = skip.saturating_sub(1);
            }
            record = self.next(record);
        }
        Cursor {
            record: self.position(record),
            read: 0,
        }
    }

    /// Number of lines, the last also if it is not finished.
    fn lines(&self) -> usize {
        let mut lines = 0_usize;
        let mut record = 0;
        while record < self.end {
            let next = self.next(record);
            if next >= self.end || self.ends_line(record) {
                lines = lines.saturating_add(1);
            }
            record = next;
        }
        lines
    }

    fn ends_line(&self, record: usize) -> bool {
        let mut last = [0];
        self.copy_out(self.next(record).saturating_sub(1), &mut last);
        last == *b"\n"
    }

    /// True where [`read`](Self::read) would find something.
    pub fn has_more(&self, cursor: Cursor) -> bool {
        self.seek(cursor).is_some()
    }

    /// Reads the next bytes, at most to the end of a line, and moves the cursor past them.
    pub fn read(
        &self,
        cursor: &mut Cursor,
        buffer: &mut [u8; MAX_LOG_RECORD],
    ) -> Option<LogRecord> {
        let (record, read) = self.seek(*cursor)?;
        let header = self.header(record);
        let length = header.length.saturating_sub(read).min(MAX_LOG_RECORD);
        let from = record.saturating_add(HEADER).saturating_add(read);
        self.copy_out(from, buffer.get_mut(..length)?);
        *cursor = Cursor {
            record: self.position(record),
            read: header.length,
        };
        Some(LogRecord {
            stream: header.stream,
            uptime_us: header.uptime_us,
            length,
            continued: read > 0,
        })
    }

    /// Finds the first unread byte at or after a cursor: the distance of its record, and the number
    /// of the record's bytes before it.
    fn seek(&self, cursor: Cursor) -> Option<(usize, usize)> {
        let (mut record, mut read) = match cursor.record.checked_sub(self.start) {
            Some(record) => (usize::try_from(record).ok()?, cursor.read),
            None => (0, 0),
        };
        while record < self.end {
            if read < self.header(record).length {
                return Some((record, read));
            }
            // A cursor stays at a record that is read to its end until there is a next one: the
            // record may grow.
            (record, read) = (self.next(record), 0);
        }
        None
    }

    #[inline(never)]
    fn header(&self, record: usize) -> Header {
        let mut bytes = [0; HEADER];
        self.copy_out(record, &mut bytes);
        Header::from_bytes(bytes)
    }

    #[inline(never)]
    fn put_header(&mut self, record: usize, header: &Header) {
        self.copy_in(record, &header.to_bytes());
    }

    /// Index of a distance in the ring.
    fn index(&self, distance: usize) -> usize {
        // The mask would cut off the same bits.
        #[allow(clippy::cast_possible_truncation)]
        let start = self.start as usize;
        start.wrapping_add(distance) & N.saturating_sub(1)
    }

    #[inline(never)]
    fn append(&mut self, bytes: &[u8]) {
        self.copy_in(self.end, bytes);
        self.end = self.end.saturating_add(bytes.len());
    }

    #[inline(never)]
    fn copy_in(&mut self, distance: usize, bytes: &[u8]) {
        for (distance, from) in (distance..).zip(bytes) {
            let index = self.index(distance);
            if let Some(to) = self.ring.get_mut(index) {
                *to = *from;
            }
        }
    }

    #[inline(never)]
    fn copy_out(&self, distance: usize, buffer: &mut [u8]) {
        for (distance, to) in (distance..).zip(buffer) {
            if let Some(from) = self.ring.get(self.index(distance)) {
                *to = *from;
            }
        }
    }
}

impl<const N: usize> Default for Log<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::VecDeque;
    use std::string::String;
    use std::vec::Vec;

    use super::Stream::{Stderr, Stdout};
    use super::*;

    type Small = Log<1024>;

    fn read(log: &Small, cursor: &mut Cursor) -> Option<(LogRecord, String)> {
        let mut buffer = [0; MAX_LOG_RECORD];
        let record = log.read(cursor, &mut buffer)?;
        let text = String::from_utf8(buffer[..record.length].to_vec()).unwrap();
        Some((record, text))
    }

    fn texts(log: &Small, mut cursor: Cursor) -> Vec<String> {
        std::iter::from_fn(|| read(log, &mut cursor).map(|(_, text)| text)).collect()
    }

    #[test]
    fn each_line_keeps_its_stream_and_the_time_of_its_first_byte() {
        let mut log = Small::new();
        log.write(Stdout, 10, b"one\ntw");
        log.write(Stdout, 20, b"o\n");
        log.write(Stderr, 30, b"three\n");
        let mut cursor = log.oldest();
        let seen: Vec<_> = std::iter::from_fn(|| read(&log, &mut cursor))
            .map(|(record, text)| (record.stream, record.uptime_us, text))
            .collect();
        assert_eq!(
            seen,
            [
                (Stdout, 10, "one\n".into()),
                (Stdout, 10, "two\n".into()),
                (Stderr, 30, "three\n".into()),
            ]
        );
    }

    #[test]
    fn a_reader_that_keeps_up_sees_an_unfinished_line_grow() {
        let mut log = Small::new();
        let mut cursor = log.oldest();
        log.write(Stdout, 1, b"name");
        let (record, text) = read(&log, &mut cursor).unwrap();
        assert_eq!((record.continued, &*text), (false, "name"));
        assert!(!log.has_more(cursor));
        assert_eq!(read(&log, &mut cursor), None);
        log.write(Stdout, 2, b"? ");
        assert!(log.has_more(cursor));
        let (record, text) = read(&log, &mut cursor).unwrap();
        assert_eq!((record.continued, &*text), (true, "? "));
        log.write(Stderr, 3, b"!\n");
        assert_eq!(read(&log, &mut cursor).unwrap().1, "!\n");
        assert_eq!(read(&log, &mut cursor), None);
    }

    #[test]
    fn a_long_line_is_kept_in_parts() {
        let mut log = Small::new();
        let line: Vec<u8> = (0..MAX_LOG_RECORD + 9)
            .map(|_| b'x')
            .chain([b'\n'])
            .collect();
        log.write(Stdout, 1, &line);
        let lengths: Vec<_> = texts(&log, log.oldest()).iter().map(String::len).collect();
        assert_eq!(lengths, [MAX_LOG_RECORD, 10]);
        assert_eq!(log.tail(1), log.oldest());
    }

    #[test]
    fn the_tail_counts_lines_also_an_unfinished_one() {
        let mut log = Small::new();
        log.write(Stdout, 1, b"one\ntwo\nthree");
        assert_eq!(texts(&log, log.tail(0)), [""; 0]);
        assert_eq!(texts(&log, log.tail(2)), ["two\n", "three"]);
        assert_eq!(texts(&log, log.tail(9)), ["one\n", "two\n", "three"]);
    }

    #[test]
    fn a_reader_that_fell_behind_goes_on_with_the_oldest_line_left() {
        let mut log = Small::new();
        log.write(Stdout, 1, b"first\n");
        let mut cursor = log.oldest();
        read(&log, &mut cursor).unwrap();
        for _ in 0..1000 {
            log.write(Stdout, 2, b"more\n");
        }
        log.write(Stdout, 3, b"last\n");
        let rest = texts(&log, cursor);
        assert_eq!(rest, texts(&log, log.oldest()));
        assert_eq!(rest.last().unwrap(), "last\n");
        assert_eq!(log.dropped() + rest.len() as u64, 1002);
    }

    #[test]
    fn a_cleared_log_is_as_a_new_one() {
        let mut log = Small::new();
        log.write(Stdout, 1, b"before\n");
        log.clear();
        assert_eq!(texts(&log, log.oldest()), [""; 0]);
        log.write(Stdout, 1, b"after\n");
        assert_eq!(texts(&log, Cursor::default()), ["after\n"]);
    }

    /// Compares the log with a queue of whole records: whatever is written, in whatever pieces, the
    /// ring holds the newest records that fit, and a reader that keeps up gets all bytes, in order.
    #[test]
    fn the_ring_holds_what_a_queue_with_its_capacity_would() {
        let mut log = Small::new();
        let mut queue: VecDeque<(Stream, u64, Vec<u8>)> = VecDeque::new();
        let mut dropped = 0;
        let mut reader = log.oldest();
        let (mut written, mut seen) = (Vec::new(), Vec::new());
        let mut state = 0x2545_f491_u32;
        // Miri takes its time.
        let writes = if cfg!(miri) { 300 } else { 20_000 };
        for time in 0..writes {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let stream = if state & 1 == 0 { Stdout } else { Stderr };
            let length = (state >> 8) as usize % 90;
            let newline = (state >> 20) as usize % 100;
            let bytes: Vec<u8> = (0..length)
                .map(|i| {
                    if i == newline {
                        b'\n'
                    } else {
                        b'a' + (i % 26) as u8
                    }
                })
                .collect();
            log.write(stream, time, &bytes);
            written.extend_from_slice(&bytes);
            for byte in bytes {
                match queue.back_mut() {
                    Some((same, _, line))
                        if *same == stream
                            && line.last() != Some(&b'\n')
                            && line.len() < MAX_LOG_RECORD =>
                    {
                        line.push(byte);
                    }
                    _ => queue.push_back((stream, time, std::vec![byte])),
                }
                while queue
                    .iter()
                    .map(|(_, _, line)| HEADER + line.len())
                    .sum::<usize>()
                    > 1024
                {
                    queue.pop_front();
                    dropped += 1;
                }
            }
            while let Some((_, text)) = read(&log, &mut reader) {
                seen.extend_from_slice(text.as_bytes());
            }
            if time % 64 == 0 {
                let mut cursor = log.oldest();
                for (stream, uptime_us, line) in &queue {
                    let (record, text) = read(&log, &mut cursor).unwrap();
                    assert_eq!((record.stream, record.uptime_us), (*stream, *uptime_us));
                    assert_eq!(text.as_bytes(), line);
                }
                assert_eq!(read(&log, &mut cursor), None);
                assert_eq!(log.dropped(), dropped);
            }
        }
        assert!(dropped > writes / 20);
        assert_eq!(seen, written);
    }
}
