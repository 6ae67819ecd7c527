// SPDX-License-Identifier: Apache-2.0
//! Arguments and environment of a guest, its exit, and random numbers.

use ocre::container::Spec;
use ocre::port::Storage;

use crate::Wasi;
use crate::errno::{Errno, Error};
use crate::memory::Memory;

/// Bytes of random numbers between two checks for a kill.
const RANDOM_PIECE: u32 = 4096;

impl<S: Storage> Wasi<'_, S> {
    pub(crate) fn args_get(
        &mut self,
        memory: &mut Memory<'_>,
        list: u32,
        buffer: u32,
    ) -> Result<(), Error> {
        self.strings(memory, |spec| &spec.arguments, list, buffer)
    }

    pub(crate) fn args_sizes_get(
        &mut self,
        memory: &mut Memory<'_>,
        count: u32,
        bytes: u32,
    ) -> Result<(), Error> {
        self.string_sizes(memory, |spec| &spec.arguments, count, bytes)
    }

    pub(crate) fn environ_get(
        &mut self,
        memory: &mut Memory<'_>,
        list: u32,
        buffer: u32,
    ) -> Result<(), Error> {
        self.strings(memory, |spec| &spec.image.environment, list, buffer)
    }

    pub(crate) fn environ_sizes_get(
        &mut self,
        memory: &mut Memory<'_>,
        count: u32,
        bytes: u32,
    ) -> Result<(), Error> {
        self.string_sizes(memory, |spec| &spec.image.environment, count, bytes)
    }

    /// Writes strings, each with its NUL, to `buffer`, and their addresses to `list`.
    fn strings(
        &self,
        memory: &mut Memory<'_>,
        of: fn(&Spec) -> &str,
        list: u32,
        buffer: u32,
    ) -> Result<(), Error> {
        let mut written: Result<(), Errno> = Ok(());
        self.guest.spec(&mut |spec| {
            let strings = of(spec);
            let strings_written = memory.write(buffer, strings.as_bytes());
            written = strings_written.map_err(Errno::from).and_then(|()| {
                let (mut entry, mut address) = (list, buffer);
                for string in strings.split_inclusive('\0') {
                    memory.write_u32(entry, address)?;
                    entry = entry.checked_add(4).ok_or(Errno::Fault)?;
                    let length = u32::try_from(string.len()).map_err(|_| Errno::Fault)?;
                    address = address.checked_add(length).ok_or(Errno::Fault)?;
                }
                Ok(())
            });
        });
        Ok(written?)
    }

    fn string_sizes(
        &self,
        memory: &mut Memory<'_>,
        of: fn(&Spec) -> &str,
        count: u32,
        bytes: u32,
    ) -> Result<(), Error> {
        let (mut strings, mut total) = (0, 0);
        self.guest.spec(&mut |spec| {
            let all = of(spec);
            strings = all.split_inclusive('\0').count();
            total = all.len();
        });
        memory.write_u32(count, u32::try_from(strings).unwrap_or(u32::MAX))?;
        memory.write_u32(bytes, u32::try_from(total).unwrap_or(u32::MAX))?;
        Ok(())
    }

    pub(crate) fn proc_exit(&mut self, _: &mut Memory<'_>, _code: i32) -> Result<(), Error> {
        Err(Error::Exit)
    }

    /// There are no signals.
    pub(crate) fn proc_raise(&mut self, _: &mut Memory<'_>, _signal: u32) -> Result<(), Error> {
        Err(Errno::Nosys.into())
    }

    pub(crate) fn sched_yield(&mut self, _: &mut Memory<'_>) -> Result<(), Error> {
        Ok(self.guest.sleep(Some(self.clock.uptime_us()))?)
    }

    pub(crate) fn random_get(
        &mut self,
        memory: &mut Memory<'_>,
        address: u32,
        length: u32,
    ) -> Result<(), Error> {
        let buffer = memory.bytes_mut(address, length)?;
        for piece in buffer.chunks_mut(RANDOM_PIECE as usize) {
            self.guest.check()?;
            if !self.entropy.fill(piece) {
                return Err(Errno::Notsup.into());
            }
        }
        Ok(())
    }

    // There are no sockets, so no descriptor is one.

    pub(crate) fn sock_accept(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _flags: u32,
        _accepted: u32,
    ) -> Result<(), Error> {
        self.no_socket(fd)
    }

    #[allow(clippy::too_many_arguments)] // preview 1 has them
    pub(crate) fn sock_recv(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _list: u32,
        _count: u32,
        _flags: u32,
        _received: u32,
        _flags_out: u32,
    ) -> Result<(), Error> {
        self.no_socket(fd)
    }

    pub(crate) fn sock_send(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _list: u32,
        _count: u32,
        _flags: u32,
        _sent: u32,
    ) -> Result<(), Error> {
        self.no_socket(fd)
    }

    pub(crate) fn sock_shutdown(
        &mut self,
        _: &mut Memory<'_>,
        fd: u32,
        _how: u32,
    ) -> Result<(), Error> {
        self.no_socket(fd)
    }

    fn no_socket(&mut self, fd: u32) -> Result<(), Error> {
        self.table.descriptor(fd)?;
        Err(Errno::Notsock.into())
    }
}
