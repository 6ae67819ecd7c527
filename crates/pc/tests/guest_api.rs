// SPDX-License-Identifier: Apache-2.0
//! Ocre's host functions, called as the engine calls them, for several containers in virtual time
//! and on the simulated device's pins and sensors.

#[path = "common/device.rs"]
mod device;

use std::cell::{Cell, RefCell};

use device::{RamPartition, disk, image};
use ocre::container::{Guest, Killed, Name, Options, Spec};
use ocre::image::permission::{Permission, Permissions};
use ocre::limits::{INBOX_BYTES, MAX_CHANGES, MAX_CONTAINERS, MAX_PINS, MAX_TOPIC};
use ocre::port::devices::{Direction, Pin};
use ocre::port::{Clock, ConsoleError, Host, HostExit, Slot, Stream, ThreadSpec, Threads};
use ocre_guest_api::{Bus, FUNCTIONS, GuestApi, Ports, permission};
use ocre_pc::platform::Devices;
use parking_lot::RawMutex;

const PERM: i32 = -1;
const NOENT: i32 = -2;
const NOMEM: i32 = -12;
const FAULT: i32 = -14;
const BUSY: i32 = -16;
const NODEV: i32 = -19;
const INVAL: i32 = -22;
const NOMSG: i32 = -42;
const MSGSIZE: i32 = -90;
const TIMEDOUT: i32 = -110;

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;
const LED: Pin = Pin { port: 0, line: 0 };
const BUTTON: Pin = Pin { port: 0, line: 8 };

const MS: u64 = 1000;

/// Addresses in a guest's memory: two texts, content, an event, and the host buffer.
const TEXTS: [u32; 2] = [0x100, 0x300];
const CONTENT: u32 = 0x1000;
const EVENT: u32 = 0x800;
const ROOM: u32 = 0x1_0000;
const MEMORY: usize = ROOM as usize + INBOX_BYTES;

type Deed = (u64, Box<dyn FnOnce()>);

/// A device without a supervisor, whose time passes only during sleeps.
struct ApiWorld {
    now_us: Cell<u64>,
    /// Actions at later times.
    deeds: RefCell<Vec<Deed>>,
    wakes: [Cell<u32>; MAX_CONTAINERS],
    bus: Bus<RawMutex>,
    devices: Devices,
}

impl ApiWorld {
    /// Makes a static world, so that later actions may refer to it.
    fn new() -> &'static Self {
        Box::leak(Box::new(Self {
            now_us: Cell::new(1_000_000),
            deeds: RefCell::default(),
            wakes: Default::default(),
            bus: Bus::new(),
            devices: Devices::new(),
        }))
    }

    fn ports(&self) -> Ports<'_> {
        Ports {
            clock: self,
            threads: self,
            gpio: Some(&self.devices),
            sensors: Some(&self.devices),
            machine: "virtual",
        }
    }

    /// Adds an action, `after_ms` from now.
    fn later(&self, after_ms: u64, deed: impl FnOnce() + 'static) {
        let at = self.now_us.get() + after_ms * MS;
        self.deeds.borrow_mut().push((at, Box::new(deed)));
    }

    fn pass(&self, ms: u64) {
        self.now_us.set(self.now_us.get() + ms * MS);
    }

    fn drive(&self, pin: Pin, active: bool) {
        if let Some(slot) = self.devices.drive(pin, active).expect("it is there") {
            self.wake(slot);
        }
    }

    /// Lets time pass until `until_us` or until the slot is woken.
    fn sleep_as(&self, slot: Slot, until_us: u64) {
        let wakes = &self.wakes[usize::from(slot)];
        let before = wakes.get();
        while wakes.get() == before {
            let mut deeds = self.deeds.borrow_mut();
            let first = (0..deeds.len()).min_by_key(|index| deeds[*index].0);
            match first.filter(|first| deeds[*first].0 <= until_us) {
                None => {
                    self.now_us.set(self.now_us.get().max(until_us));
                    return;
                }
                Some(first) => {
                    let (at, deed) = deeds.swap_remove(first);
                    drop(deeds);
                    self.now_us.set(self.now_us.get().max(at));
                    deed();
                }
            }
        }
    }
}

impl Clock for ApiWorld {
    fn uptime_us(&self) -> u64 {
        self.now_us.get()
    }

    fn wall_ns(&self) -> Option<u64> {
        None
    }
}

impl Threads for ApiWorld {
    fn spawn(&self, _: Slot, _: &ThreadSpec<'_>) -> bool {
        false
    }

    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool {
        self.sleep_as(slot, until_us.expect("nobody here sleeps for ever"));
        false
    }

    fn wake(&self, slot: Slot) {
        let wakes = &self.wakes[usize::from(slot)];
        wakes.set(wakes.get() + 1);
    }

    fn await_change(&self, seen: u32, _: Option<u64>) -> u32 {
        seen
    }

    fn announce(&self) {}
}

/// A container in a slot of the world.
struct ApiContainer {
    world: &'static ApiWorld,
    slot: Slot,
    name: Name,
    spec: Spec,
    killed: Cell<bool>,
}

impl ApiContainer {
    /// Makes a container with permissions that both its image asks for and the operator grants.
    fn new(
        world: &'static ApiWorld,
        disk: &RamPartition,
        slot: Slot,
        asked: &[Permission],
        granted: &[Permission],
    ) -> &'static Self {
        let set = |list: &[Permission]| {
            let mut set = Permissions::default();
            list.iter().for_each(|one| set.insert(*one));
            set
        };
        let name = Name::parse(&format!("tenant-{slot}")).unwrap();
        let mut image = image(disk, b"code");
        image.permissions = set(asked);
        let options = Options {
            granted: set(granted),
            ..Options::default()
        };
        let mut spec = Spec::blank();
        spec.resolve(&name, &image, &options).unwrap();
        Box::leak(Box::new(Self {
            world,
            slot,
            spec,
            name,
            killed: Cell::new(false),
        }))
    }

    fn trusted(world: &'static ApiWorld, disk: &RamPartition, slot: Slot) -> &'static Self {
        Self::new(world, disk, slot, &Permission::ALL, &Permission::ALL)
    }
}

impl Guest for ApiContainer {
    fn name(&self) -> &Name {
        &self.name
    }

    fn slot(&self) -> Slot {
        self.slot
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        show(&self.spec);
    }

    fn write(&self, _: Stream, _: &[u8]) -> Result<(), ConsoleError> {
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> Option<usize> {
        Some(0)
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed> {
        self.check()?;
        let hour = self.world.now_us.get() + 3_600_000 * MS;
        self.world.sleep_as(self.slot, until_us.unwrap_or(hour));
        self.check()
    }

    fn check(&self) -> Result<(), Killed> {
        if self.killed.get() {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}

/// A run of a container, and its memory.
struct ApiRun {
    api: GuestApi<'static, RawMutex>,
    memory: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum ReceivedEvent {
    Timer(u32),
    Pin(Pin, bool),
    Message {
        number: u32,
        topic: String,
        content: Vec<u8>,
    },
}

impl ApiRun {
    fn new(tenant: &'static ApiContainer) -> Self {
        let mut api = GuestApi::new(&tenant.world.bus, tenant.world.ports(), tenant);
        for function in 0..FUNCTIONS.len() {
            let bytes = api.host_buffer_len(function);
            if bytes != 0 {
                api.attach_host_buffer(function, ROOM, bytes);
            }
        }
        Self {
            api,
            memory: vec![0; MEMORY],
        }
    }

    fn result(&mut self, name: &str, arguments: &[u64]) -> Result<u64, HostExit> {
        let function = FUNCTIONS.iter().position(|one| one.name() == name);
        let function = function.unwrap_or_else(|| panic!("{name} is not in the table"));
        assert_eq!(
            FUNCTIONS[function].types().0.len(),
            arguments.len(),
            "{name}"
        );
        let mut cells = arguments.to_vec();
        cells.resize(arguments.len().max(1), 0);
        self.api.call(function, &mut self.memory, &mut cells)?;
        Ok(cells[0])
    }

    fn call(&mut self, name: &str, arguments: &[i32]) -> i32 {
        let cells: Vec<u64> = arguments.iter().map(|one| *one as u32 as u64).collect();
        let result = self.result(name, &cells).expect("nobody kills it");
        u32::try_from(result).expect("32 bits") as i32
    }

    fn measure(&mut self, name: &str, arguments: &[i32]) -> f64 {
        let cells: Vec<u64> = arguments.iter().map(|one| *one as u32 as u64).collect();
        f64::from_bits(self.result(name, &cells).expect("nobody kills it"))
    }

    fn put(&mut self, place: usize, text: &str) -> i32 {
        let start = TEXTS[place] as usize;
        self.memory[start..start + text.len()].copy_from_slice(text.as_bytes());
        self.memory[start + text.len()] = 0;
        start as i32
    }

    /// Calls a function whose first argument is a text.
    fn by_name(&mut self, name: &str, text: &str, more: &[i32]) -> i32 {
        let arguments: Vec<i32> = [self.put(0, text)].iter().chain(more).copied().collect();
        self.call(name, &arguments)
    }

    fn publish(&mut self, topic: &str, content: &[u8]) -> i32 {
        let topic = self.put(0, topic);
        let content_type = self.put(1, "text/plain");
        let start = CONTENT as usize;
        self.memory[start..start + content.len()].copy_from_slice(content);
        let length = content.len() as i32;
        self.call(
            "ocre_publish_message",
            &[topic, content_type, CONTENT as i32, length],
        )
    }

    fn subscribe(&mut self, filter: &str) -> i32 {
        self.by_name("ocre_subscribe_message", filter, &[])
    }

    fn word(&self, address: u32) -> u32 {
        let start = address as usize;
        u32::from_le_bytes(self.memory[start..start + 4].try_into().unwrap())
    }

    fn text(&self, address: u32) -> String {
        let rest = &self.memory[address as usize..];
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(rest[..end].to_vec()).unwrap()
    }

    fn get_event(&mut self) -> i32 {
        let fields: [i32; 6] = std::array::from_fn(|index| EVENT as i32 + 4 * index as i32);
        self.call("ocre_get_event", &fields)
    }

    /// Takes the next event, and frees its buffer at once.
    fn event(&mut self) -> Option<ReceivedEvent> {
        match self.get_event() {
            0 => {}
            NOMSG => return None,
            other => panic!("ocre_get_event: {other}"),
        }
        let [kind, id, port, state, extra, bytes] =
            std::array::from_fn(|index| self.word(EVENT + 4 * index as u32));
        Some(match kind {
            0 => {
                assert_eq!([port, state, extra, bytes], [0; 4]);
                ReceivedEvent::Timer(id)
            }
            1 => {
                assert_eq!([extra, bytes], [0; 2]);
                let pin = Pin {
                    port: port as u8,
                    line: id as u8,
                };
                ReceivedEvent::Pin(pin, state != 0)
            }
            3 => {
                assert_eq!(self.text(state), "text/plain");
                let content = &self.memory[extra as usize..][..bytes as usize];
                let message = ReceivedEvent::Message {
                    number: id,
                    topic: self.text(port),
                    content: content.to_vec(),
                };
                let addresses = [port as i32, state as i32, extra as i32];
                assert_eq!(
                    self.call("ocre_messaging_free_module_event_data", &addresses),
                    0
                );
                message
            }
            kind => panic!("an event of kind {kind}"),
        })
    }
}

fn message(number: u32, topic: &str, content: &[u8]) -> Option<ReceivedEvent> {
    Some(ReceivedEvent::Message {
        number,
        topic: topic.to_owned(),
        content: content.to_vec(),
    })
}

// ---------------------------------------------------------------- permissions

/// Calls each function, with arguments that succeed in a container with the permission.
fn call_all(run: &mut ApiRun) -> Vec<(&'static str, f64)> {
    let led = run.put(0, "led0");
    let climate = run.put(1, "climate");
    let mut answers = Vec::new();
    for function in FUNCTIONS {
        let arguments: &[i32] = match function.name() {
            "uname" => &[0x2000],
            "ocre_get_event" => &[EVENT as i32; 6],
            "ocre_register_dispatcher" => &[2, led],
            "ocre_timer_start" => &[1, 1, 1],
            "ocre_publish_message" => &[led, climate, led, 4],
            "ocre_subscribe_message" => &[led],
            "ocre_messaging_free_module_event_data" => &[ROOM as i32, 0, 0],
            "ocre_gpio_configure" => &[0, 8, INPUT],
            "ocre_gpio_pin_set" | "ocre_gpio_pin_get" | "ocre_gpio_pin_toggle" => &[0, 8, 1],
            "ocre_gpio_register_callback" | "ocre_gpio_unregister_callback" => &[0, 8],
            "ocre_gpio_configure_by_name" => &[led, INPUT],
            "ocre_gpio_set_by_name" => &[led, 1],
            "ocre_sensors_get_channel_type" | "ocre_sensors_read" => &[0, 13],
            "ocre_sensors_get_channel_type_by_name" => &[climate, 0],
            "ocre_sensors_read_by_name" => &[climate, 13],
            name if name.starts_with("ocre_sensors") && name.ends_with("by_name") => &[climate],
            name if name.ends_with("by_name") => &[led],
            _ => &[0],
        };
        let arguments = &arguments[..function.types().0.len()];
        let answer = if function.types().1 == "F" {
            run.measure(function.name(), arguments)
        } else {
            run.call(function.name(), arguments).into()
        };
        answers.push((function.name(), answer));
    }
    answers
}

#[test]
fn every_function_refuses_a_container_without_its_permission_on_every_call() {
    let (world, disk) = (ApiWorld::new(), disk());
    for lacking in Permission::ALL {
        let others: Vec<Permission> = Permission::ALL
            .into_iter()
            .filter(|one| *one != lacking)
            .collect();
        // Granted but not asked for, and asked for but not granted.
        for (asked, granted) in [
            (&others[..], &Permission::ALL[..]),
            (&Permission::ALL[..], &others),
        ] {
            let tenant = ApiContainer::new(world, &disk, 0, asked, granted);
            let mut run = ApiRun::new(tenant);
            let trusted = ApiContainer::trusted(world, &disk, 1);
            let mut allowed = ApiRun::new(trusted);
            for _ in 0..2 {
                let answers = call_all(&mut run);
                for (index, (name, answer)) in answers.iter().enumerate() {
                    let of_dispatcher =
                        *name == "ocre_register_dispatcher" && lacking == Permission::Sensors;
                    let refused = permission(index) == Some(lacking) || of_dispatcher;
                    assert_eq!(
                        *answer == f64::from(PERM),
                        refused,
                        "{name} without {lacking:?}"
                    );
                }
                for (name, answer) in call_all(&mut allowed) {
                    assert_ne!(answer, f64::from(PERM), "{name} with all of them");
                }
            }
            run.api.close();
            allowed.api.close();
        }
    }
}

#[test]
fn a_container_without_a_permission_is_refused_while_another_with_it_works() {
    let (world, disk) = (ApiWorld::new(), disk());
    let poor = ApiContainer::new(world, &disk, 0, &Permission::ALL, &[]);
    let rich = ApiContainer::trusted(world, &disk, 1);
    let (mut poor, mut rich) = (ApiRun::new(poor), ApiRun::new(rich));
    assert_eq!(rich.subscribe("a"), 0);
    for _ in 0..2 {
        assert_eq!(poor.call("ocre_timer_create", &[1]), PERM);
        assert_eq!(poor.subscribe("a"), PERM);
        assert_eq!(poor.publish("a", b"x"), PERM);
        assert_eq!(
            poor.by_name("ocre_gpio_configure_by_name", "led0", &[OUTPUT]),
            PERM
        );
        assert_eq!(poor.call("ocre_sensors_discover", &[]), PERM);
        assert_eq!(poor.measure("ocre_sensors_read", &[0, 13]), f64::from(PERM));
        for kind in 0..4 {
            let name = poor.put(0, "f");
            let answer = poor.call("ocre_register_dispatcher", &[kind, name]);
            assert_eq!(answer, PERM, "{kind}");
        }
        assert_eq!(rich.event(), None);
    }
    assert_eq!(rich.call("ocre_timer_create", &[1]), 0);
    assert_eq!(rich.publish("a", b"x"), 0);
    assert_eq!(
        rich.by_name("ocre_gpio_configure_by_name", "led0", &[OUTPUT]),
        0
    );
    assert_eq!(rich.call("ocre_sensors_discover", &[]), 2);
    assert_eq!(rich.event(), message(0, "a", b"x"));
}

/// A device with `N` containers that have all permissions.
fn neighbours<const N: usize>() -> (&'static ApiWorld, [ApiRun; N]) {
    let (world, disk) = (ApiWorld::new(), disk());
    let runs =
        std::array::from_fn(|slot| ApiRun::new(ApiContainer::trusted(world, &disk, slot as Slot)));
    (world, runs)
}

// ---------------------------------------------------------------- time

#[test]
fn a_sleep_lasts_its_time_and_nothing_wakes_it() {
    let (world, [mut run]) = neighbours();
    world.later(3, || world.wake(0));
    let before = world.now_us.get();
    assert_eq!(run.call("ocre_sleep", &[10]), 0);
    assert_eq!(world.now_us.get(), before + 10 * MS);
    assert_eq!(run.call("ocre_sleep", &[0]), 0);
    assert_eq!(run.call("ocre_sleep", &[-1]), INVAL);
    assert_eq!(world.now_us.get(), before + 10 * MS);
}

#[test]
fn a_kill_ends_every_wait_at_once() {
    let (world, disk) = (ApiWorld::new(), disk());
    for (name, argument) in [("ocre_sleep", 9_999_999), ("ocre_wait_event", u32::MAX)] {
        let tenant = ApiContainer::trusted(world, &disk, 0);
        let mut run = ApiRun::new(tenant);
        let before = world.now_us.get();
        world.later(5, || {
            tenant.killed.set(true);
            world.wake(0);
        });
        assert_eq!(
            run.result(name, &[argument.into()]),
            Err(HostExit::Stopped),
            "{name}"
        );
        assert_eq!(world.now_us.get(), before + 5 * MS, "{name}");
        assert_eq!(
            run.result("ocre_get_event", &[0; 6]),
            Err(HostExit::Stopped)
        );
    }
}

#[test]
fn timers_send_events_at_their_times() {
    let (world, [mut run]) = neighbours();
    assert_eq!(run.call("ocre_timer_create", &[1]), 0);
    assert_eq!(run.call("ocre_timer_create", &[1]), BUSY);
    assert_eq!(run.call("ocre_timer_create", &[16]), 0);
    assert_eq!(run.call("ocre_timer_start", &[1, 10, 1]), 0);
    assert_eq!(run.call("ocre_timer_start", &[16, 25, 0]), 0);
    assert_eq!(run.event(), None);
    let mut fired = Vec::new();
    let began = world.now_us.get();
    while run.call("ocre_wait_event", &[20]) == 0 && fired.len() < 6 {
        let event = run.event().expect("the wait says so");
        fired.push((event, (world.now_us.get() - began) / MS));
    }
    let tick = |id, at| (ReceivedEvent::Timer(id), at);
    let expected = [
        tick(1, 10),
        tick(1, 20),
        tick(16, 25),
        tick(1, 30),
        tick(1, 40),
        tick(1, 50),
    ];
    assert_eq!(fired, expected);
    assert_eq!(run.call("ocre_timer_get_remaining", &[1]), 0);
    assert_eq!(run.event(), Some(ReceivedEvent::Timer(1)));
    assert_eq!(run.call("ocre_timer_get_remaining", &[1]), 10);
    assert_eq!(run.call("ocre_timer_stop", &[1]), 0);
    assert_eq!(run.call("ocre_wait_event", &[100]), TIMEDOUT);
    assert_eq!(run.call("ocre_timer_delete", &[1]), 0);
    assert_eq!(run.call("ocre_timer_delete", &[1]), INVAL);
}

#[test]
fn what_a_slow_guest_misses_is_counted() {
    let (world, [mut run, mut other]) = neighbours();
    run.call("ocre_timer_create", &[1]);
    run.call("ocre_timer_start", &[1, 10, 1]);
    world.pass(35);
    assert_eq!(run.event(), Some(ReceivedEvent::Timer(1)));
    assert_eq!(run.event(), None);
    assert_eq!(run.call("ocre_lost_events", &[]), 2);
    run.call("ocre_timer_delete", &[1]);
    assert_eq!(run.subscribe("t"), 0);
    let content = vec![1; INBOX_BYTES / 2];
    for _ in 0..5 {
        assert_eq!(other.publish("t", &content), 0);
    }
    assert_eq!(run.call("ocre_lost_events", &[]), 6);
    assert_eq!(run.event(), message(4, "t", &content));
    assert_eq!(run.event(), None);
    assert_eq!(other.call("ocre_lost_events", &[]), 0);
}

#[test]
fn timers_pins_and_messages_take_turns() {
    let (world, [mut run]) = neighbours();
    run.call("ocre_timer_create", &[1]);
    run.call("ocre_timer_start", &[1, 1, 1]);
    run.subscribe("t");
    run.by_name("ocre_gpio_configure_by_name", "sw0", &[INPUT]);
    run.by_name("ocre_gpio_register_callback_by_name", "sw0", &[]);
    let mut seen = [0; 3];
    for round in 0..30 {
        world.pass(1);
        run.publish("t", b"x");
        world.drive(BUTTON, round % 2 == 0);
        match run.event().unwrap() {
            ReceivedEvent::Timer(_) => seen[0] += 1,
            ReceivedEvent::Pin(..) => seen[1] += 1,
            ReceivedEvent::Message { .. } => seen[2] += 1,
        }
    }
    assert_eq!(seen, [10; 3]);
}

// ---------------------------------------------------------------- messages

#[test]
fn a_message_is_copied_to_each_who_wants_it_and_once() {
    let (_, [mut one, mut two, mut three]) = neighbours();
    assert_eq!(one.subscribe("room/+/light"), 0);
    assert_eq!(one.subscribe("room/#"), 0);
    assert_eq!(two.subscribe("room/kitchen/"), 0);
    assert_eq!(three.publish("room/kitchen/light", b"on"), 0);
    assert_eq!(three.publish("room", b"1"), 0);
    assert_eq!(three.publish("rooms", b"1"), NOENT);
    assert_eq!(one.event(), message(0, "room/kitchen/light", b"on"));
    assert_eq!(one.event(), message(1, "room", b"1"));
    assert_eq!(one.event(), None);
    assert_eq!(two.event(), message(0, "room/kitchen/light", b"on"));
    assert_eq!(two.event(), None);
    assert_eq!(three.event(), None);
    // Oneself is one of them.
    assert_eq!(one.publish("room", b"2"), 0);
    assert_eq!(one.event(), message(2, "room", b"2"));
}

#[test]
fn a_message_wakes_who_waits_for_it() {
    let (world, [mut one, mut two]) = neighbours();
    one.subscribe("a");
    world.later(7, move || {
        assert_eq!(two.publish("a", b"x"), 0);
    });
    let before = world.now_us.get();
    assert_eq!(one.call("ocre_wait_event", &[1000]), 0);
    assert_eq!(world.now_us.get(), before + 7 * MS);
    assert_eq!(one.event(), message(0, "a", b"x"));
    assert_eq!(one.call("ocre_wait_event", &[0]), TIMEDOUT);
    assert_eq!(one.call("ocre_wait_event", &[5]), TIMEDOUT);
    assert_eq!(world.now_us.get(), before + 12 * MS);
}

#[test]
fn messages_stay_until_all_are_given_back_and_more_wait_meanwhile() {
    let (_, [mut one, mut two]) = neighbours();
    one.subscribe("a");
    let content = vec![7; INBOX_BYTES / 2];
    assert_eq!(two.publish("a", &content), 0);
    assert_eq!(one.get_event(), 0);
    let first = one.word(EVENT + 8);
    assert_eq!(two.publish("a", b"second"), 0);
    assert_eq!(one.get_event(), 0);
    let second = one.word(EVENT + 8);
    assert_ne!(first, second);
    assert_eq!(two.publish("a", &content), 0);
    assert_eq!(one.get_event(), NOMEM);
    assert_eq!(one.text(one.word(EVENT + 16)), "second");
    let free = "ocre_messaging_free_module_event_data";
    assert_eq!(one.call(free, &[0, 0, 0]), INVAL);
    assert_eq!(one.call(free, &[first as i32, 0, 0]), 0);
    assert_eq!(one.get_event(), NOMEM);
    assert_eq!(one.call(free, &[second as i32, 0, 0]), 0);
    assert_eq!(one.event(), message(2, "a", &content));
    assert_eq!(one.call(free, &[first as i32, 0, 0]), INVAL);
}

#[test]
fn what_makes_no_message_or_subscription_is_refused() {
    let (_, [mut run]) = neighbours();
    for bad in ["", "a#", "#/a", "a/b+", &"x".repeat(MAX_TOPIC + 1)] {
        assert_eq!(run.subscribe(bad), INVAL, "{bad}");
    }
    assert_eq!(run.subscribe("#"), 0);
    for bad in ["", "a/+", "#", &"x".repeat(MAX_TOPIC + 1)] {
        assert_eq!(run.publish(bad, b"x"), INVAL, "{bad}");
    }
    assert_eq!(run.publish("a", b""), INVAL);
    let (topic, empty) = (run.put(0, "a"), run.put(1, ""));
    let publish = "ocre_publish_message";
    assert_eq!(run.call(publish, &[topic, empty, CONTENT as i32, 1]), INVAL);
    let kind = run.put(1, "t");
    for (content, length, answer) in [
        (CONTENT as i32, -1, INVAL),
        (CONTENT as i32, i32::MIN, INVAL),
        (CONTENT as i32, INBOX_BYTES as i32, MSGSIZE),
        (MEMORY as i32 - 1, 2, FAULT),
        (-1, 1, FAULT),
        (0, i32::MAX, FAULT),
    ] {
        assert_eq!(run.call(publish, &[topic, kind, content, length]), answer);
    }
    for outside in [MEMORY as i32, -1, MEMORY as i32 - 1] {
        run.memory[MEMORY - 1] = b'x';
        assert_eq!(run.call(publish, &[outside, kind, topic, 1]), FAULT);
        assert_eq!(run.call(publish, &[topic, outside, topic, 1]), FAULT);
        assert_eq!(run.call("ocre_subscribe_message", &[outside]), FAULT);
    }
    assert_eq!(run.event(), None);
}

#[test]
fn an_event_is_not_taken_where_it_cannot_be_told() {
    let (_, [mut run]) = neighbours();
    run.subscribe("a");
    run.publish("a", b"x");
    for bad in 0..6 {
        for outside in [MEMORY as i32 - 3, MEMORY as i32, -4] {
            let mut fields: [i32; 6] = [EVENT as i32; 6];
            fields[bad] = outside;
            assert_eq!(run.call("ocre_get_event", &fields), FAULT);
        }
    }
    assert_eq!(run.event(), message(0, "a", b"x"));
}

#[test]
fn a_guest_without_room_has_no_subscriptions() {
    let (world, disk) = (ApiWorld::new(), disk());
    let tenant = ApiContainer::trusted(world, &disk, 0);
    let mut run = ApiRun::new(tenant);
    run.api = GuestApi::new(&world.bus, world.ports(), tenant);
    assert_eq!(run.subscribe("a"), NOMEM);
}

#[test]
fn a_spammer_and_a_sleeper_neither_slow_nor_starve_a_third() {
    const SPAM: usize = 200;
    let (world, [mut spammer, mut deaf, mut third, mut friend]) = neighbours();
    assert_eq!(deaf.subscribe("#"), 0);
    assert_eq!(third.subscribe("news/+"), 0);
    third.call("ocre_timer_create", &[1]);
    third.call("ocre_timer_start", &[1, 10, 1]);
    spammer.call("ocre_timer_create", &[1]);
    spammer.call("ocre_timer_start", &[1, 1, 1]);
    let began = world.now_us.get();
    let mut expected = Vec::new();
    let mut seen = Vec::new();
    for round in 0..100_u32 {
        // The third waits for its next tick; all that happens in these 10 ms is a flood.
        for ms in 0..10_u64 {
            let content = [round as u8; 64];
            if ms == 4 {
                expected.push(message(round, "news/today", &content));
                assert_eq!(friend.publish("news/today", &content), 0);
            }
            for _ in 0..SPAM / 10 {
                assert_eq!(spammer.publish("spam", &content), 0);
            }
            world.pass(1);
        }
        while let Some(event) = third.event() {
            seen.push((event, (world.now_us.get() - began) / MS));
        }
    }
    let ticks: Vec<u64> = seen
        .iter()
        .filter(|(event, _)| *event == ReceivedEvent::Timer(1))
        .map(|(_, at)| *at)
        .collect();
    assert_eq!(ticks, (1..=100).map(|round| round * 10).collect::<Vec<_>>());
    let messages = seen
        .iter()
        .filter(|(event, _)| *event != ReceivedEvent::Timer(1));
    assert!(messages.map(|(event, _)| Some(event.clone())).eq(expected));
    assert_eq!(third.call("ocre_lost_events", &[]), 0);
    let lost = deaf.call("ocre_lost_events", &[]);
    let kept = INBOX_BYTES / 64;
    assert!(lost as usize > 100 * SPAM - kept, "{lost}");
    // No thread was woken: messages wake only waiting threads.
    assert!(world.wakes.iter().all(|wakes| wakes.get() == 0));
}

#[test]
fn a_flood_wakes_only_who_waits_for_it_and_once() {
    let (world, [mut spammer, mut third]) = neighbours();
    assert_eq!(third.subscribe("news"), 0);
    world.later(5, move || {
        for _ in 0..1000 {
            assert_eq!(spammer.publish("spam", b"x"), NOENT);
        }
        for _ in 0..10 {
            assert_eq!(spammer.publish("news", b"x"), 0);
        }
    });
    assert_eq!(third.call("ocre_wait_event", &[50]), 0);
    assert_eq!(world.wakes[1].get(), 1);
}

// ---------------------------------------------------------------- pins

#[test]
fn pins_are_driven_and_read_by_number_and_by_name() {
    let (world, [mut run]) = neighbours();
    let level = || world.devices.pins()[0].active;
    assert_eq!(run.call("ocre_gpio_init", &[]), 0);
    assert_eq!(run.call("ocre_gpio_configure", &[0, 0, OUTPUT]), 0);
    assert_eq!(run.call("ocre_gpio_pin_get", &[0, 0]), 0);
    assert_eq!(run.call("ocre_gpio_pin_set", &[0, 0, 1]), 0);
    assert_eq!((run.call("ocre_gpio_pin_get", &[0, 0]), level()), (1, true));
    assert_eq!(run.call("ocre_gpio_pin_toggle", &[0, 0]), 0);
    assert_eq!(
        (run.by_name("ocre_gpio_get_by_name", "led0", &[]), level()),
        (0, false)
    );
    assert_eq!(run.by_name("ocre_gpio_set_by_name", "led0", &[5]), 0);
    assert_eq!((run.call("ocre_gpio_pin_get", &[0, 0]), level()), (1, true));
    assert_eq!(run.by_name("ocre_gpio_toggle_by_name", "led0", &[]), 0);
    assert!(!level());
    assert_eq!(
        run.by_name("ocre_gpio_configure_by_name", "sw0", &[INPUT]),
        0
    );
    assert_eq!(run.call("ocre_gpio_pin_get", &[0, 8]), 0);
    world.drive(BUTTON, true);
    assert_eq!(run.by_name("ocre_gpio_get_by_name", "sw0", &[]), 1);
    for refused in ["ocre_gpio_set_by_name", "ocre_gpio_toggle_by_name"] {
        let more = if refused.contains("set") {
            &[1][..]
        } else {
            &[]
        };
        assert_eq!(run.by_name(refused, "sw0", more), INVAL);
    }
}

#[test]
fn a_watched_input_sends_its_changes_until_it_is_no_longer_watched() {
    let (world, [mut run]) = neighbours();
    let button = [0, BUTTON.line.into()];
    run.call("ocre_gpio_configure", &[0, 8, INPUT]);
    assert_eq!(run.call("ocre_gpio_unregister_callback", &button), INVAL);
    assert_eq!(run.call("ocre_gpio_register_callback", &button), 0);
    assert_eq!(run.call("ocre_gpio_register_callback", &button), 0);
    world.later(3, || world.drive(BUTTON, true));
    world.later(4, || world.drive(BUTTON, true));
    world.later(5, || world.drive(BUTTON, false));
    let before = world.now_us.get();
    assert_eq!(run.call("ocre_wait_event", &[1000]), 0);
    assert_eq!(world.now_us.get(), before + 3 * MS);
    assert_eq!(run.event(), Some(ReceivedEvent::Pin(BUTTON, true)));
    assert_eq!(run.call("ocre_wait_event", &[1000]), 0);
    assert_eq!(world.now_us.get(), before + 5 * MS);
    assert_eq!(run.event(), Some(ReceivedEvent::Pin(BUTTON, false)));
    assert_eq!(run.call("ocre_gpio_unregister_callback", &button), 0);
    world.drive(BUTTON, true);
    assert_eq!(run.event(), None);
    assert_eq!(run.call("ocre_gpio_configure", &[0, 0, OUTPUT]), 0);
    assert_eq!(run.call("ocre_gpio_register_callback", &[0, 0]), INVAL);
}

#[test]
fn a_bouncing_pin_loses_its_oldest_changes_and_they_are_counted() {
    let (world, [mut run]) = neighbours();
    run.by_name("ocre_gpio_configure_by_name", "sw0", &[INPUT]);
    run.by_name("ocre_gpio_register_callback_by_name", "sw0", &[]);
    for change in 0..MAX_CHANGES + 5 {
        world.drive(BUTTON, change % 2 == 0);
    }
    assert_eq!(run.call("ocre_lost_events", &[]), 5);
    assert_eq!(run.event(), Some(ReceivedEvent::Pin(BUTTON, false)));
}

#[test]
fn a_pin_belongs_to_the_container_that_configured_it() {
    let (world, [mut one, mut two]) = neighbours();
    assert_eq!(one.call("ocre_gpio_configure", &[0, 0, OUTPUT]), 0);
    assert_eq!(one.call("ocre_gpio_pin_set", &[0, 0, 1]), 0);
    assert_eq!(
        two.by_name("ocre_gpio_configure_by_name", "led0", &[OUTPUT]),
        BUSY
    );
    for refused in ["set", "get", "toggle"] {
        let arguments = [0, 0, 0];
        let count = if refused == "set" { 3 } else { 2 };
        let name = format!("ocre_gpio_pin_{refused}");
        assert_eq!(two.call(&name, &arguments[..count]), INVAL, "{refused}");
    }
    assert_eq!(
        two.by_name("ocre_gpio_register_callback_by_name", "led0", &[]),
        INVAL
    );
    assert!(world.devices.pins()[0].active);
    one.api.close();
    let led = world.devices.pins()[0];
    assert_eq!((led.pin, led.direction), (LED, Direction::Off));
    assert_eq!(
        two.by_name("ocre_gpio_configure_by_name", "led0", &[OUTPUT]),
        0
    );
}

#[test]
fn what_is_no_pin_is_refused_and_not_claimed() {
    let (_, [mut run]) = neighbours();
    for (port, line, answer) in [
        (-1, 0, INVAL),
        (0, -1, INVAL),
        (256, 0, INVAL),
        (0, 256, INVAL),
        (i32::MIN, i32::MAX, INVAL),
        (2, 0, NODEV),
        (0, 16, NODEV),
    ] {
        for _ in 0..MAX_PINS + 1 {
            let answers = run.call("ocre_gpio_configure", &[port, line, OUTPUT]);
            assert_eq!(answers, answer, "{port} {line}");
        }
    }
    assert_eq!(run.call("ocre_gpio_configure", &[0, 0, 2]), INVAL);
    assert_eq!(
        run.by_name("ocre_gpio_configure_by_name", "led9", &[OUTPUT]),
        NODEV
    );
    for line in 0..MAX_PINS as i32 {
        assert_eq!(run.call("ocre_gpio_configure", &[1, line, OUTPUT]), 0);
    }
    assert_eq!(run.call("ocre_gpio_configure", &[0, 0, OUTPUT]), NOMEM);
    assert_eq!(run.call("ocre_gpio_configure", &[1, 0, INPUT]), 0);
}

// ---------------------------------------------------------------- sensors, and the rest

#[test]
fn sensors_are_found_and_read_by_number_and_by_name() {
    let (world, [mut run]) = neighbours();
    assert_eq!(run.call("ocre_sensors_init", &[]), 0);
    assert_eq!(run.call("ocre_sensors_open", &[0]), INVAL);
    assert_eq!(
        run.by_name("ocre_sensors_open_by_name", "climate", &[]),
        NOENT
    );
    assert_eq!(run.call("ocre_sensors_discover", &[]), 2);
    assert_eq!(run.call("ocre_sensors_open", &[0]), 0);
    assert_eq!(run.call("ocre_sensors_get_handle", &[1]), 1);
    assert_eq!(run.call("ocre_sensors_get_channel_count", &[0]), 3);
    assert_eq!(run.call("ocre_sensors_get_channel_type", &[0, 0]), 13);
    assert_eq!(run.call("ocre_sensors_get_channel_type", &[0, 3]), INVAL);
    assert_eq!(run.measure("ocre_sensors_read", &[0, 13]), 21.5);
    let set = world
        .devices
        .set_channel("climate", "temperature", -5_250_000);
    assert_eq!(set, Ok(()));
    let name = run.put(0, "climate");
    assert_eq!(run.measure("ocre_sensors_read_by_name", &[name, 13]), -5.25);
    assert_eq!(
        run.by_name("ocre_sensors_get_handle_by_name", "light", &[]),
        1
    );
    assert_eq!(
        run.by_name("ocre_sensors_get_channel_count_by_name", "light", &[]),
        1
    );
    assert_eq!(
        run.by_name("ocre_sensors_get_channel_type_by_name", "light", &[0]),
        17
    );
    for (sensor, channel, answer) in [
        (2, 13, INVAL),
        (-1, 13, INVAL),
        (0, -1, INVAL),
        (0, 17, NODEV),
    ] {
        let measured = run.measure("ocre_sensors_read", &[sensor, channel]);
        assert_eq!(measured, f64::from(answer), "{sensor} {channel}");
    }
    assert_eq!(run.call("ocre_sensors_init", &[]), 0);
    assert_eq!(run.call("ocre_sensors_open", &[0]), INVAL);
}

#[test]
fn a_guest_learns_where_it_runs() {
    let (_, [mut run]) = neighbours();
    assert_eq!(run.call("uname", &[0x2000]), 0);
    let fields = std::array::from_fn(|index| run.text(0x2000 + 65 * index as u32));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        fields,
        ["Ocre", "tenant-0", version, "ocre-rs", "virtual", ""]
    );
    assert_eq!(run.call("uname", &[MEMORY as i32 - 389]), FAULT);
    assert_eq!(run.call("uname", &[MEMORY as i32 - 390]), 0);
}

#[test]
fn all_that_a_run_had_is_gone_with_it() {
    let (world, disk) = (ApiWorld::new(), disk());
    let tenant = ApiContainer::trusted(world, &disk, 0);
    let mut other = ApiRun::new(ApiContainer::trusted(world, &disk, 1));
    let mut first = ApiRun::new(tenant);
    first.subscribe("a");
    other.publish("a", b"old");
    first.call("ocre_timer_create", &[1]);
    first.call("ocre_timer_start", &[1, 1, 0]);
    first.by_name("ocre_gpio_configure_by_name", "sw0", &[INPUT]);
    first.by_name("ocre_gpio_register_callback_by_name", "sw0", &[]);
    world.drive(BUTTON, true);
    world.pass(10);
    first.api.close();
    assert_eq!(other.publish("a", b"to nobody"), NOENT);
    world.drive(BUTTON, false);
    let mut second = ApiRun::new(tenant);
    assert_eq!(second.event(), None);
    assert_eq!(second.call("ocre_lost_events", &[]), 0);
    assert_eq!(second.call("ocre_timer_start", &[1, 1, 0]), INVAL);
    assert_eq!(second.by_name("ocre_gpio_get_by_name", "sw0", &[]), INVAL);
    assert_eq!(second.call("ocre_timer_create", &[1]), 0);
}
