// SPDX-License-Identifier: Apache-2.0
//! The C API of `include/ocre/ocre.h`, which documents each function.
//!
//! Design: pointers from C are read where they come in, and nowhere else; everything is then the
//! core's, and its answers become errnos.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::fmt::{self, Write};
use core::num::NonZeroU8;
use core::{ptr, slice};

use heapless::Vec;
use lock_api::MutexGuard;
use ocre::command::{self, Environment};
use ocre::container::state::{Refusal, RunResult, State};
use ocre::container::table::Handle;
use ocre::container::{Error, Limits, Options, Restart};
use ocre::image::JudgedImage;
use ocre::image::blob::read_file;
use ocre::image::examine::Examination;
use ocre::image::judge::{Policy, Selector, Workspace};
use ocre::image::permission::Permissions;
use ocre::image::verdict::{Code, Finding, Location, Verdict};
use ocre::limits::{MAX_LOG_RECORD, MAX_NAME, MAX_WORDS};
use ocre::port::{Clock, StorageError, Stream};
use ocre::supervisor::{CreateError, CreateRequest, Platform};
use ocre_oci::json::{self, Caps};
use ocre_oci::{Index, Reference};

use crate::config;
use crate::lock::Lock;
use crate::platform::{
    self, DOCUMENTS, InitError, Runtime, ZephyrDocuments, format, init, runtime,
};
use crate::sys::api::{
    self, ATTACHED, CODE_BYTES, ContainerStatus, CreateOptions, FOREVER, PREFER_PORTABLE,
    RESTART_ALWAYS, RESTART_ON_FAILURE, TEMPORARY, TEXT_BYTES,
};
use crate::sys::{self, defines};
use crate::text::Buffer;

defines!(
    api::ocre_init,
    api::ocre_format,
    api::ocre_formatted,
    api::ocre_set_date,
    api::ocre_image_verify,
    api::ocre_image_list,
    api::ocre_create,
    api::ocre_start,
    api::ocre_stop,
    api::ocre_restart,
    api::ocre_pause,
    api::ocre_unpause,
    api::ocre_kill,
    api::ocre_wait,
    api::ocre_status,
    api::ocre_remove,
    api::ocre_find,
    api::ocre_list,
    api::ocre_logs,
    api::ocre_command,
);

/// Answers to C: errnos whose numbers every libc agrees on. The shim checks that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ApiErrno {
    NoEntry = 2,
    NoProcess = 3,
    Io = 5,
    TooBig = 7,
    NotExecutable = 8,
    Again = 11,
    NoMemory = 12,
    Busy = 16,
    Exists = 17,
    NoDevice = 19,
    Invalid = 22,
    TableFull = 23,
    NoSpace = 28,
}

impl From<StorageError> for ApiErrno {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NoSpace => Self::NoSpace,
            StorageError::NotFound => Self::NoEntry,
            _ => Self::Io,
        }
    }
}

impl From<Error> for ApiErrno {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NoEntry,
            Error::NameSyntax
            | Error::NameNeeded
            | Error::ArgumentSyntax
            | Error::EnvironmentSyntax
            | Error::MountSyntax
            | Error::MountSource
            | Error::MountTarget
            | Error::LimitTooLarge => Self::Invalid,
            Error::ArgumentsTooLong | Error::EnvironmentTooLong | Error::MountsTooMany => {
                Self::TooBig
            }
            Error::NameTaken | Error::RecordUnreadable => Self::Exists,
            Error::TableFull => Self::TableFull,
            Error::MountInUse
            | Error::State(Refusal::Running | Refusal::Paused | Refusal::NotPaused) => Self::Busy,
            Error::State(Refusal::NotRunning | Refusal::NotStarted) => Self::NoProcess,
            Error::Image(_) | Error::Start(_) => Self::NotExecutable,
            Error::TimedOut => Self::Again,
            Error::Storage(StorageError::NoSpace) => Self::NoSpace,
            Error::Storage(_) => Self::Io,
        }
    }
}

fn answer(result: Result<(), ApiErrno>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(errno) => -(errno as c_int),
    }
}

fn started() -> Result<&'static Runtime, ApiErrno> {
    runtime().ok_or(ApiErrno::NoDevice)
}

fn handle(bits: u64) -> Result<Handle, ApiErrno> {
    Handle::from_bits(bits).ok_or(ApiErrno::NoEntry)
}

/// A text of C's.
///
/// # Safety
/// `text` is null or ends with NUL, and stays as it is for `'a`.
unsafe fn text<'a>(text: *const c_char) -> Result<&'a str, ApiErrno> {
    if text.is_null() {
        return Err(ApiErrno::Invalid);
    }
    // SAFETY: see above.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| ApiErrno::Invalid)
}

/// Texts of a caller's, in the order of its list.
type Texts<'a> = Vec<&'a str, MAX_WORDS>;

/// Takes a list of C's texts.
///
/// # Safety
/// `list` is null, or has `count` texts as [`text`] takes them, or `count` is 0.
unsafe fn take_texts<'a>(
    found: &mut Texts<'a>,
    list: *const *const c_char,
    count: u32,
) -> Result<(), ApiErrno> {
    if count == 0 {
        return Ok(());
    }
    if list.is_null() {
        return Err(ApiErrno::Invalid);
    }
    // SAFETY: see above.
    for &one in unsafe { slice::from_raw_parts(list, count as usize) } {
        // SAFETY: see above.
        let one = unsafe { text(one) }?;
        found.push(one).map_err(|_| ApiErrno::TooBig)?;
    }
    Ok(())
}

// ---------------------------------------------------------------- the runtime

#[unsafe(no_mangle)]
extern "C" fn ocre_init() -> c_int {
    of_start(init())
}

/// Answer of a function that starts the runtime or goes before that.
fn of_start(result: Result<(), InitError>) -> c_int {
    let errno = match result {
        Ok(()) => return 0,
        Err(InitError::Mount(errno)) => return errno,
        Err(InitError::Busy) => ApiErrno::Busy,
        Err(InitError::Engine) => ApiErrno::NoMemory,
    };
    answer(Err(errno))
}

#[unsafe(no_mangle)]
extern "C" fn ocre_format() -> c_int {
    if config::MOUNT {
        of_start(format())
    } else {
        answer(Err(ApiErrno::NoDevice))
    }
}

#[unsafe(no_mangle)]
extern "C" fn ocre_formatted() -> c_int {
    // SAFETY: takes nothing.
    c_int::from(config::MOUNT && unsafe { sys::ocre_port_formatted() } != 0)
}

#[unsafe(no_mangle)]
extern "C" fn ocre_set_date(unix_ns: u64) {
    // SAFETY: takes nothing by reference.
    unsafe { sys::ocre_port_set_wall_ns(unix_ns) };
}

// ---------------------------------------------------------------- images

/// Judges an image and its code; writes the refusal.
fn verify(runtime: &Runtime, name: &str, mut refusal: Buffer<'_>) -> Result<(), ApiErrno> {
    let device = runtime.platform();
    let policy = Policy {
        prefer_portable: false,
        ..device.policy()
    };
    let selector = Selector::parse(name).map_err(|code| malformed(code, &mut refusal))?;
    let mut documents = DOCUMENTS.lock();
    let (workspace, judged) = documents.judging();
    let mut examination = Examination {
        source: runtime.images(),
        selector,
        engine: device.engine(),
        policy: &policy,
        workspace,
    };
    let mut verdict = Verdict::new(false);
    let mut report =
        |finding: Finding, at: Location<'_>, detail: &str| verdict.note(finding, at, detail);
    if examination.judge_into(&mut report, judged.reset()) {
        return Ok(());
    }
    Err(refused(&verdict, &mut refusal))
}

/// Writes that an image's name is malformed.
fn malformed(code: Code, refusal: &mut Buffer<'_>) -> ApiErrno {
    say(refusal, code.as_str(), "", "");
    ApiErrno::Invalid
}

/// Writes the refusal of an image.
fn refused(verdict: &Verdict, refusal: &mut Buffer<'_>) -> ApiErrno {
    let code = verdict.code().unwrap_or_default();
    say(refusal, code, verdict.at(), verdict.detail());
    ApiErrno::NotExecutable
}

fn say(refusal: &mut Buffer<'_>, code: &str, at: &str, detail: &str) {
    // What does not fit is left out.
    let _ = refusal.write_str(code);
    for (before, more) in [(" at ", at), (": ", detail)] {
        if !more.is_empty() {
            let _ = refusal.write_str(before);
            let _ = refusal.write_str(more);
        }
    }
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_image_verify(image: *const c_char, refusal: *mut c_char) -> c_int {
    // SAFETY: the caller's promise.
    let (image, refusal) = unsafe { (text(image), Buffer::new(refusal, TEXT_BYTES)) };
    answer(started().and_then(|runtime| verify(runtime, image?, refusal)))
}

/// Shows the names in the list of images, until `show` answers `false`.
fn list_images(runtime: &Runtime, show: &mut dyn FnMut(&str) -> bool) -> Result<(), ApiErrno> {
    let mut documents = DOCUMENTS.lock();
    let buffer = documents.workspace().document;
    let length = read_file(runtime.platform().storage(), "/index.json", buffer)?;
    let bytes = buffer.get(..length).unwrap_or_default();
    let value = json::parse(bytes, &Caps::default()).map_err(|_| ApiErrno::Io)?;
    let index = Index::parse(value).map_err(|_| ApiErrno::Io)?;
    for entry in index.manifests() {
        let mut name = [0; Reference::MAX_NAME + 1 + Reference::MAX_TAG];
        let Some(text) = entry.reference_name() else {
            continue;
        };
        let Some(text) = text.copy_to(&mut name) else {
            continue;
        };
        if !show(text) {
            break;
        }
    }
    Ok(())
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_image_list(
    visit: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int>,
    context: *mut c_void,
) -> c_int {
    answer(started().and_then(|runtime| {
        let visit = visit.ok_or(ApiErrno::Invalid)?;
        list_images(runtime, &mut |name| {
            let mut room = [0; Reference::MAX_NAME + 1 + Reference::MAX_TAG + 1];
            // What does not fit is left out.
            let _ = Buffer::of(&mut room).write_str(name);
            // SAFETY: the caller's promise.
            unsafe { visit(context, room.as_ptr().cast()) != 0 }
        })
    }))
}

// ---------------------------------------------------------------- containers

/// Options of a caller that gives none.
const DEFAULTS: CreateOptions = CreateOptions {
    name: ptr::null(),
    arguments: ptr::null(),
    environment: ptr::null(),
    permissions: ptr::null(),
    mounts: ptr::null(),
    argument_count: 0,
    environment_count: 0,
    permission_count: 0,
    mount_count: 0,
    memory_bytes: 0,
    disk_bytes: 0,
    stack_bytes: 0,
    time_limit_ms: 0,
    priority: 0,
    flags: 0,
    restart: 0,
    restart_most: 0,
    instructions: 0,
};

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_create(
    image: *const c_char,
    options: *const CreateOptions,
    container: *mut u64,
    refusal: *mut c_char,
) -> c_int {
    // SAFETY: the caller's promise, in all of this.
    let (image, options, refusal, container) = unsafe {
        (
            text(image),
            options.as_ref().unwrap_or(&DEFAULTS),
            Buffer::new(refusal, TEXT_BYTES),
            container.as_mut(),
        )
    };
    answer(started().and_then(|runtime| {
        let container = container.ok_or(ApiErrno::Invalid)?;
        // SAFETY: see above.
        *container = unsafe { create(runtime, image?, options, refusal) }?.to_bits();
        Ok(())
    }))
}

/// # Safety
/// The pointers in `options` are as the header says.
unsafe fn create(
    runtime: &Runtime,
    image: &str,
    options: &CreateOptions,
    mut refusal: Buffer<'_>,
) -> Result<Handle, ApiErrno> {
    let or = |value: u32, default: u32| if value == 0 { default } else { value };
    let name = if options.name.is_null() {
        None
    } else {
        // SAFETY: see above.
        Some(unsafe { text(options.name) }?)
    };
    let (mut arguments, mut environment) = (Texts::new(), Texts::new());
    let (mut permissions, mut mounts) = (Texts::new(), Texts::new());
    // SAFETY: see above, in all of this.
    unsafe {
        take_texts(&mut arguments, options.arguments, options.argument_count)?;
        take_texts(
            &mut environment,
            options.environment,
            options.environment_count,
        )?;
        take_texts(
            &mut permissions,
            options.permissions,
            options.permission_count,
        )?;
        take_texts(&mut mounts, options.mounts, options.mount_count)?;
    }
    let mut granted = Permissions::default();
    for permission in &permissions {
        let more = Permissions::named(|known| known == *permission);
        granted = granted.union(more.ok_or(ApiErrno::Invalid)?);
    }
    let restart = match (options.restart, options.restart_most) {
        (0, 0) => Restart::No,
        (RESTART_ON_FAILURE, most) => {
            let most = u8::try_from(most).map_err(|_| ApiErrno::Invalid)?;
            Restart::OnFailure(NonZeroU8::new(most))
        }
        (RESTART_ALWAYS, 0) => Restart::Always,
        _ => return Err(ApiErrno::Invalid),
    };
    let some = |value: u32| Some(value).filter(|&value| value != 0);
    let defaults = Limits::within(&runtime.platform().policy());
    let limits = Limits {
        memory_bytes: or(options.memory_bytes, defaults.memory_bytes),
        disk_bytes: some(options.disk_bytes),
        stack_bytes: or(options.stack_bytes, defaults.stack_bytes),
        thread_stack_bytes: defaults.thread_stack_bytes,
        priority: u8::try_from(options.priority).unwrap_or(u8::MAX),
        time_limit_ms: some(options.time_limit_ms),
        instructions: some(options.instructions),
    };
    let mut request = CreateRequest {
        image,
        name,
        prefer_portable: Some(options.flags & PREFER_PORTABLE != 0),
        options: Options {
            arguments: &arguments,
            environment: &environment,
            mounts: &mounts,
            granted,
            limits,
            restart,
            attached: options.flags & ATTACHED != 0,
            temporary: options.flags & TEMPORARY != 0,
            follow: None,
        },
    };
    let mut verdict = Verdict::new(false);
    let created = platform::create(runtime, &mut request, &mut verdict);
    created.map_err(|error| match error {
        CreateError::Reference(code) => malformed(code, &mut refusal),
        CreateError::Refused => refused(&verdict, &mut refusal),
        CreateError::Container(error) => {
            say(&mut refusal, error.code(), "", "");
            error.into()
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn ocre_start(container: u64) -> c_int {
    answer(started().and_then(|runtime| Ok(runtime.start(handle(container)?)?)))
}

#[unsafe(no_mangle)]
extern "C" fn ocre_stop(container: u64, grace_ms: u32) -> c_int {
    answer(started().and_then(|runtime| {
        runtime.stop(handle(container)?, u64::from(grace_ms) * 1000)?;
        Ok(())
    }))
}

#[unsafe(no_mangle)]
extern "C" fn ocre_kill(container: u64) -> c_int {
    answer(started().and_then(|runtime| Ok(runtime.kill(handle(container)?)?)))
}

#[unsafe(no_mangle)]
extern "C" fn ocre_restart(container: u64, grace_ms: u32) -> c_int {
    answer(
        started().and_then(|runtime| {
            Ok(runtime.restart(handle(container)?, u64::from(grace_ms) * 1000)?)
        }),
    )
}

#[unsafe(no_mangle)]
extern "C" fn ocre_pause(container: u64) -> c_int {
    answer(started().and_then(|runtime| Ok(runtime.pause(handle(container)?)?)))
}

#[unsafe(no_mangle)]
extern "C" fn ocre_unpause(container: u64) -> c_int {
    answer(started().and_then(|runtime| Ok(runtime.unpause(handle(container)?)?)))
}

#[unsafe(no_mangle)]
extern "C" fn ocre_remove(container: u64, force: c_int) -> c_int {
    answer(started().and_then(|runtime| Ok(runtime.remove(handle(container)?, force != 0)?)))
}

impl From<State> for ContainerStatus {
    fn from(state: State) -> Self {
        let number = match state {
            State::Created => api::CREATED,
            State::Running => api::RUNNING,
            State::Paused => api::PAUSED,
            State::Ended(RunResult::Exited(_)) => api::EXITED,
            State::Ended(RunResult::Trapped(_)) => api::TRAPPED,
            State::Ended(RunResult::Killed(_)) => api::KILLED,
            State::Ended(RunResult::Failed(_)) => api::FAILED,
            State::Restarting(_) => api::RESTARTING,
            State::CrashLoop(_) => api::CRASH_LOOP,
        };
        let why = state.outcome().map_or("", RunResult::why);
        let code = state.outcome().map_or(0, RunResult::status);
        let mut reason = [0; CODE_BYTES];
        // SAFETY: the array's own memory. What does not fit is left out.
        let _ = unsafe { Buffer::new(reason.as_mut_ptr(), CODE_BYTES) }.write_str(why);
        Self {
            state: number,
            code,
            reason,
        }
    }
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_wait(
    container: u64,
    timeout_ms: u32,
    status: *mut ContainerStatus,
) -> c_int {
    answer(started().and_then(|runtime| {
        let until = (timeout_ms != FOREVER)
            .then(|| runtime.platform().uptime_us() + u64::from(timeout_ms) * 1000);
        let outcome = runtime.wait(handle(container)?, until)?;
        if !status.is_null() {
            // SAFETY: the caller's promise.
            unsafe { status.write(State::Ended(outcome).into()) };
        }
        Ok(())
    }))
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_status(container: u64, status: *mut ContainerStatus) -> c_int {
    answer(started().and_then(|runtime| {
        let found = runtime.status(handle(container)?)?;
        if status.is_null() {
            return Err(ApiErrno::Invalid);
        }
        // SAFETY: the caller's promise.
        unsafe { status.write(found.state.into()) };
        Ok(())
    }))
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_find(name: *const c_char, container: *mut u64) -> c_int {
    // SAFETY: the caller's promise, in all of this.
    let (name, container) = unsafe { (text(name), container.as_mut()) };
    answer(started().and_then(|runtime| {
        *container.ok_or(ApiErrno::Invalid)? = runtime.find(name?)?.to_bits();
        Ok(())
    }))
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_list(
    visit: Option<unsafe extern "C" fn(*mut c_void, u64, *const c_char) -> c_int>,
    context: *mut c_void,
) -> c_int {
    answer(started().and_then(|runtime| {
        let visit = visit.ok_or(ApiErrno::Invalid)?;
        let mut more = true;
        runtime.list(&mut |summary| {
            if more {
                let mut name = [0; MAX_NAME + 1];
                // What does not fit is left out.
                let _ = Buffer::of(&mut name).write_str(&summary.name);
                let bits = summary.handle.to_bits();
                // SAFETY: the caller's promise.
                more = unsafe { visit(context, bits, name.as_ptr().cast()) != 0 };
            }
        });
        Ok(())
    }))
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_logs(
    container: u64,
    lines: u32,
    visit: Option<unsafe extern "C" fn(*mut c_void, c_int, *const c_char, u32) -> c_int>,
    context: *mut c_void,
) -> c_int {
    answer(started().and_then(|runtime| {
        let handle = handle(container)?;
        let lines = Some(lines as usize).filter(|&lines| lines != 0);
        let mut cursor = runtime.log_cursor(handle, lines)?;
        let visit = visit.ok_or(ApiErrno::Invalid)?;
        let mut buffer = [0; MAX_LOG_RECORD];
        while let Some(record) = runtime.read_log(handle, &mut cursor, &mut buffer)? {
            let stream = match record.stream {
                Stream::Stdout => 1,
                Stream::Stderr => 2,
            };
            let bytes = record.length as u32;
            // SAFETY: the caller's promise.
            if unsafe { visit(context, stream, buffer.as_ptr().cast(), bytes) } == 0 {
                break;
            }
        }
        Ok(())
    }))
}

// ---------------------------------------------------------------- commands

type Print = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, u32);

/// Output of a command.
struct Printer {
    print: Print,
    context: *mut c_void,
    error: c_int,
}

impl Write for Printer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the creator of the printer promises that `print` takes `context`.
        unsafe {
            (self.print)(
                self.context,
                self.error,
                text.as_ptr().cast(),
                text.len() as u32,
            );
        }
        Ok(())
    }
}

/// The firmware's buffers for documents, while a command has them.
struct SharedDocuments(Option<MutexGuard<'static, Lock, ZephyrDocuments>>);

impl command::Documents for SharedDocuments {
    fn lend(&mut self) -> Workspace<'_> {
        self.0.get_or_insert_with(|| DOCUMENTS.lock()).workspace()
    }

    fn judging(&mut self) -> (Workspace<'_>, &mut JudgedImage) {
        self.0.get_or_insert_with(|| DOCUMENTS.lock()).judging()
    }

    fn give_back(&mut self) {
        self.0 = None;
    }
}

/// # Safety
/// As the header says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_command(
    words: *const *const c_char,
    count: u32,
    print: Option<Print>,
    interrupted: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    context: *mut c_void,
) -> c_int {
    let runtime = match started() {
        Ok(runtime) => runtime,
        Err(errno) => return answer(Err(errno)),
    };
    let Some(print) = print else {
        return answer(Err(ApiErrno::Invalid));
    };
    let mut given = Texts::new();
    // SAFETY: the caller's promise.
    if unsafe { take_texts(&mut given, words, count) }.is_err() {
        return answer(Err(ApiErrno::Invalid));
    }
    let printer = |error| Printer {
        print,
        context,
        error,
    };
    let (mut out, mut err) = (printer(0), printer(1));
    let status = command::run(
        &given,
        &mut Environment {
            supervisor: runtime,
            documents: &mut SharedDocuments(None),
            out: &mut out,
            err: &mut err,
            // SAFETY: the caller's promise.
            interrupted: &|| interrupted.is_some_and(|ask| unsafe { ask(context) != 0 }),
        },
    );
    status.map_or(1, |status| status.exit_code().into())
}
