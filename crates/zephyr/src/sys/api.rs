// SPDX-License-Identifier: Apache-2.0
//! `include/ocre/ocre.h` in Rust, written by `cargo xtask generate`.
#![allow(missing_docs, dead_code, reason = "documented in the header")]

pub const TEXT_BYTES: usize = 160;
pub const CODE_BYTES: usize = 40;
pub const CREATED: u32 = 0;
pub const RUNNING: u32 = 1;
pub const PAUSED: u32 = 2;
pub const EXITED: u32 = 3;
pub const TRAPPED: u32 = 4;
pub const KILLED: u32 = 5;
pub const FAILED: u32 = 6;
pub const RESTARTING: u32 = 7;
pub const CRASH_LOOP: u32 = 8;
pub const ATTACHED: u32 = 1;
pub const PREFER_PORTABLE: u32 = 2;
pub const TEMPORARY: u32 = 4;
pub const RESTART_NO: u32 = 0;
pub const RESTART_ON_FAILURE: u32 = 1;
pub const RESTART_ALWAYS: u32 = 2;
pub const FOREVER: u32 = 4294967295;
#[doc = " Handle of a container. Handles are never reused; 0 is no container."]
pub type ContainerHandle = u64;
#[doc = " Status of a container."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct ContainerStatus {
    #[doc = " State: OCRE_CREATED to OCRE_CRASH_LOOP."]
    pub state: u32,
    #[doc = " Exit code after the end of a run: the guest's own, 134 after a trap, 137 after a\n kill, 1 after a failed start."]
    pub code: i32,
    #[doc = " Reason for a trap, a kill or a failure: a code of docs/errors.md; else \"\"."]
    pub reason: [::core::ffi::c_char; 40usize],
}
#[doc = " Options of a new container. All zero is a good default."]
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct CreateOptions {
    #[doc = " Name: `[a-z0-9][a-z0-9._-]*`, at most 32 bytes; NULL for a generated name,\n which takes a source of randomness."]
    pub name: *const ::core::ffi::c_char,
    #[doc = " Arguments of the guest, after its name."]
    pub arguments: *const *const ::core::ffi::c_char,
    #[doc = " Environment variables, `NAME=value`, on top of the image's."]
    pub environment: *const *const ::core::ffi::c_char,
    #[doc = " Names of the granted permissions."]
    pub permissions: *const *const ::core::ffi::c_char,
    #[doc = " Mounts, `SRC:DST` or `SRC:DST:ro`: folders of the partition besides the container's\n own."]
    pub mounts: *const *const ::core::ffi::c_char,
    #[doc = " Number of arguments, at most 32."]
    pub argument_count: u32,
    #[doc = " Number of environment variables, at most 32."]
    pub environment_count: u32,
    #[doc = " Number of granted permissions."]
    pub permission_count: u32,
    #[doc = " Number of mounts, at most 4."]
    pub mount_count: u32,
    #[doc = " Most bytes of linear memory; 0 for CONFIG_OCRE_MEMORY_LIMIT."]
    pub memory_bytes: u32,
    #[doc = " Most bytes of files; 0 for no limit."]
    pub disk_bytes: u32,
    #[doc = " Bytes of stack for interpreted frames; 0 for CONFIG_OCRE_GUEST_STACK_SIZE."]
    pub stack_bytes: u32,
    #[doc = " Longest run, in milliseconds; 0 for no limit."]
    pub time_limit_ms: u32,
    #[doc = " Priority: 0 is CONFIG_OCRE_PRIORITY_FIRST, and so on to CONFIG_OCRE_PRIORITY_LAST;\n also the order in which containers are started at boot."]
    pub priority: u32,
    #[doc = " Flags: OCRE_ATTACHED, OCRE_PREFER_PORTABLE, OCRE_TEMPORARY."]
    pub flags: u32,
    #[doc = " Restart policy: OCRE_RESTART_NO, OCRE_RESTART_ON_FAILURE or OCRE_RESTART_ALWAYS."]
    pub restart: u32,
    #[doc = " Most restarts in a row with OCRE_RESTART_ON_FAILURE, up to 255; 0 for 10."]
    pub restart_most: u32,
    #[doc = " Most instructions of the guest, up to 2147483647; 0 for no limit. With a limit, portable\n code is taken, because AOT code is not counted."]
    pub instructions: u32,
}
unsafe extern "C" {
    #[doc = " @brief Starts the runtime.\n\n With CONFIG_OCRE_MOUNT, mounts the storage partition; a blank partition is formatted first, see\n ocre_formatted(). Restores the containers from before the reboot, and starts containers according\n to their restart policies. After a success, another call does nothing. After an error of the\n partition, another call tries again.\n\n @retval 0 The other functions are ready.\n @retval -EILSEQ The partition is neither a valid littlefs nor blank: damaged, or the data of\n another program. It is left unchanged, unless CONFIG_OCRE_MOUNT_FORMAT_DAMAGED is set.\n ocre_format() makes a partition of it that mounts.\n @retval -ENODATA The partition is blank, and CONFIG_OCRE_MOUNT_FORMAT is not set.\n @retval -EIO The flash can't be read or written, the file system fails, or another one is mounted\n at CONFIG_OCRE_MOUNT_POINT.\n @retval -EBUSY Another thread is in this function or ocre_format(), or an earlier call has\n returned -ENOMEM.\n @retval -ENOMEM The engine does not start in CONFIG_OCRE_HEAP_SIZE bytes."]
    pub fn ocre_init() -> ::core::ffi::c_int;
    #[doc = " @brief Formats the storage partition, blank or not: all images, containers and files are lost.\n Only before ocre_init() has succeeded.\n\n @retval 0 The partition is empty; ocre_init() mounts it.\n @retval -EBUSY The runtime runs, another thread is in this function or ocre_init(), or another\n file system is mounted at CONFIG_OCRE_MOUNT_POINT.\n @retval -EIO The flash can't be written.\n @retval -ENODEV CONFIG_OCRE_MOUNT is not set."]
    pub fn ocre_format() -> ::core::ffi::c_int;
    #[doc = " @brief Tells whether ocre_init() or ocre_format() has formatted the partition since boot.\n\n @return 1 after a format, else 0."]
    pub fn ocre_formatted() -> ::core::ffi::c_int;
    #[doc = " @brief Sets the date for guests and for container records.\n\n @param unix_ns Nanoseconds since 1970-01-01 UTC."]
    pub fn ocre_set_date(unix_ns: u64);
    #[doc = " @brief Judges an image: verifies the content, and checks that this device can run the image.\n\n @param image `name`, `name:tag`, either with `@sha256:…`, or a digest alone.\n @param text Gets at most OCRE_TEXT_BYTES: the code of the refusal and its location; \"\"\n where the image is accepted. May be NULL.\n @retval 0 The image may run.\n @retval -EINVAL @p image is malformed.\n @retval -ENOEXEC The image is refused."]
    pub fn ocre_image_verify(
        image: *const ::core::ffi::c_char,
        text: *mut ::core::ffi::c_char,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Shows the name of each image on the partition.\n\n @param visit Returns 0 to end the list. The function must not use images.\n @retval -EINVAL @p visit is NULL.\n @retval -ENOENT The partition has no index of images.\n @retval -EIO The index can't be read."]
    pub fn ocre_image_list(
        visit: ::core::option::Option<
            unsafe extern "C" fn(
                context: *mut ::core::ffi::c_void,
                name: *const ::core::ffi::c_char,
            ) -> ::core::ffi::c_int,
        >,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Judges an image and creates a container from the image, without starting the container.\n The container survives a reboot, except with OCRE_TEMPORARY.\n\n @param options Options, which are copied; NULL for the defaults.\n @param text As for ocre_image_verify(); also the code of any other error of the container.\n @retval -EINVAL Image, name, an argument, a variable, a permission or a mount is malformed; a\n list is NULL and its number is not 0; a mount's source belongs to the runtime; the restart policy\n is not valid; or a limit is larger than the device allows (memory: CONFIG_OCRE_MEMORY_LIMIT;\n instructions: 2147483647).\n @retval -E2BIG Arguments, environment or mounts are too long.\n @retval -ENOEXEC The image is refused, or has only AOT code and there is a limit on instructions.\n @retval -EEXIST Another container, or an unreadable record on the partition, has this name.\n @retval -ENFILE All CONFIG_OCRE_CONTAINERS slots are in use.\n @retval -ENOSPC The partition is full.\n @retval -EIO The partition fails."]
    pub fn ocre_create(
        image: *const ::core::ffi::c_char,
        options: *const CreateOptions,
        container: *mut ContainerHandle,
        text: *mut ::core::ffi::c_char,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Starts a created or ended container. Returns once the code is loaded, before the guest's\n first instruction.\n\n @retval -ENOEXEC The container can't start; ocre_status() has the reason.\n @retval -EBUSY The container is running or paused, or a running container uses a folder of the\n mounts.\n @retval -ENOENT There is no such container."]
    pub fn ocre_start(container: ContainerHandle) -> ::core::ffi::c_int;
    #[doc = " @brief Sends a container a stop request, kills it after the grace period, and waits for its\n end.\n\n @param grace_ms Grace period, in milliseconds.\n @retval -ESRCH The container is not running.\n @retval -EAGAIN The container does not end although killed.\n @retval -ENOENT There is no such container."]
    pub fn ocre_stop(container: ContainerHandle, grace_ms: u32) -> ::core::ffi::c_int;
    #[doc = " @brief Restarts a container. A running container is stopped first, as by ocre_stop().\n\n @retval -EAGAIN The container does not end although killed.\n @retval -ENOEXEC The container can't start; ocre_status() has the reason.\n @retval -EBUSY A running container uses a folder of the mounts.\n @retval -ENOENT There is no such container."]
    pub fn ocre_restart(container: ContainerHandle, grace_ms: u32) -> ::core::ffi::c_int;
    #[doc = " @brief Pauses a container at the next safe point: a loop, a call, or the end of a host call. The\n time limit keeps running.\n\n @retval -ESRCH The container is not running.\n @retval -EBUSY The container is paused.\n @retval -ENOENT There is no such container."]
    pub fn ocre_pause(container: ContainerHandle) -> ::core::ffi::c_int;
    #[doc = " @brief Resumes a paused container.\n\n @retval -EBUSY The container is not paused.\n @retval -ENOENT There is no such container."]
    pub fn ocre_unpause(container: ContainerHandle) -> ::core::ffi::c_int;
    #[doc = " @brief Kills a container. Returns at once; the run ends soon after.\n\n @retval -ESRCH The container is not running.\n @retval -ENOENT There is no such container."]
    pub fn ocre_kill(container: ContainerHandle) -> ::core::ffi::c_int;
    #[doc = " @brief Waits until a container rests: for the end of the run and of all restarts by policy.\n\n @param timeout_ms Longest wait, in milliseconds, or OCRE_FOREVER.\n @param status Gets the status after the end. May be NULL.\n @retval 0 The container rests.\n @retval -EAGAIN The container still runs after @p timeout_ms.\n @retval -ESRCH The container has never been started.\n @retval -ENOENT There is no such container, or the container was removed during the wait."]
    pub fn ocre_wait(
        container: ContainerHandle,
        timeout_ms: u32,
        status: *mut ContainerStatus,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Gets the status of a container.\n\n @retval -ENOENT There is no such container."]
    pub fn ocre_status(
        container: ContainerHandle,
        status: *mut ContainerStatus,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Removes a container with its log and its files.\n\n @param force Not 0: a running container is killed first.\n @retval -EBUSY The container is running or paused.\n @retval -EAGAIN The container does not end although killed.\n @retval -EIO The files can't be removed; the container still exists.\n @retval -ENOENT There is no such container."]
    pub fn ocre_remove(container: ContainerHandle, force: ::core::ffi::c_int)
    -> ::core::ffi::c_int;
    #[doc = " @brief Finds a container by its name.\n\n @retval -ENOENT There is no such container."]
    pub fn ocre_find(
        name: *const ::core::ffi::c_char,
        container: *mut ContainerHandle,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Shows every container.\n\n @param visit Returns 0 to end the list.\n @retval -EINVAL @p visit is NULL."]
    pub fn ocre_list(
        visit: ::core::option::Option<
            unsafe extern "C" fn(
                context: *mut ::core::ffi::c_void,
                container: ContainerHandle,
                name: *const ::core::ffi::c_char,
            ) -> ::core::ffi::c_int,
        >,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Passes the log of a container to a function.\n\n @param lines Number of the last lines to show; 0 for all.\n @param visit Gets one log record: a line, or a part of a long line, of at most 256 bytes, with\n the newline and without NUL. `stream` is 1 for stdout, 2 for stderr. Returns 0 to end the output.\n @retval -EINVAL @p visit is NULL.\n @retval -ENOENT There is no such container."]
    pub fn ocre_logs(
        container: ContainerHandle,
        lines: u32,
        visit: ::core::option::Option<
            unsafe extern "C" fn(
                context: *mut ::core::ffi::c_void,
                stream: ::core::ffi::c_int,
                text: *const ::core::ffi::c_char,
                bytes: u32,
            ) -> ::core::ffi::c_int,
        >,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
    #[doc = " @brief Registers a function for state changes of containers. The call comes after each change,\n on the thread that made the change.\n\n @param changed Function, one at a time; NULL for none. It must return soon, and neither start,\n stop nor remove a container.\n @param context Argument of @p changed."]
    pub fn ocre_on_change(
        changed: ::core::option::Option<unsafe extern "C" fn(context: *mut ::core::ffi::c_void)>,
        context: *mut ::core::ffi::c_void,
    );
    #[doc = " @brief Runs a command as the shell does: `{\"image\", \"verify\", \"hello\"}`.\n\n @param write Takes each piece of output, without NUL; `error` is not 0 for errors, warnings\n and notes.\n @param interrupted Polled while a command waits: a result other than 0 ends the command. May be\n NULL.\n @return The exit code: 0 done, 1 refused or failed, 2 usage error; for `run`, the guest's exit\n code.\n @retval -EINVAL A word is not UTF-8, there are more than 32, or @p words or @p write is NULL."]
    pub fn ocre_command(
        words: *const *const ::core::ffi::c_char,
        count: u32,
        write: ::core::option::Option<
            unsafe extern "C" fn(
                context: *mut ::core::ffi::c_void,
                error: ::core::ffi::c_int,
                text: *const ::core::ffi::c_char,
                bytes: u32,
            ),
        >,
        interrupted: ::core::option::Option<
            unsafe extern "C" fn(context: *mut ::core::ffi::c_void) -> ::core::ffi::c_int,
        >,
        context: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
