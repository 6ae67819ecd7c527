// SPDX-License-Identifier: Apache-2.0
//! `device gpio` and `device sensor`: the world around a simulated device.

use core::fmt;

use ocre_oci::write;

use super::arguments::{Argument, Arguments, Misuse, millionths, number};
use super::{Environment, Halt, Status, json};
use crate::port::Platform;
use crate::port::devices::{Direction, Pin, Seen, Simulated};

/// What the commands are given.
struct Request<'a, const N: usize> {
    as_json: bool,
    /// All of them, or none.
    operands: Option<[&'a str; N]>,
}

impl<'a, const N: usize> Request<'a, N> {
    fn read(
        mut arguments: Arguments<'a, '_>,
        names: [&'static str; N],
    ) -> Result<Self, Misuse<'a>> {
        let mut as_json = false;
        let mut operands = heapless::Vec::<&str, N>::new();
        while let Some(argument) = arguments.next()? {
            match argument {
                Argument::Option("format", value) => as_json = json(value)?,
                Argument::Option(..) => {}
                Argument::Operand(word) => {
                    operands.push(word).map_err(Misuse::OperandUnexpected)?;
                }
            }
        }
        let given = operands.len();
        let operands = match operands.into_array() {
            Ok(all) => Some(all),
            Err(_) if given == 0 => None,
            Err(_) => {
                let missing = names.get(given).copied().unwrap_or_default();
                return Err(Misuse::OperandMissing(missing));
            }
        };
        Ok(Self { as_json, operands })
    }
}

/// The simulation; where there is none, the command is not one.
fn simulated<'a, 'e, P: Platform>(
    environment: &Environment<'e, P>,
) -> Result<&'e dyn Simulated, Misuse<'a>> {
    let simulated = environment.supervisor.platform().simulated();
    simulated.ok_or(Misuse::UnknownCommand("device", None))
}

/// `device gpio`
#[inline(never)]
pub(super) fn gpio<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let request = Request::read(arguments, ["PIN", "on or off"])?;
    let devices = simulated(environment)?;
    if let Some([pin, level]) = request.operands {
        let active = match level {
            "on" => true,
            "off" => false,
            other => return Err(Misuse::BadValue("level", other, "on or off").into()),
        };
        let driven = find(devices, pin).map(|found| devices.drive(found, active));
        return match driven {
            Some(Ok(())) => Ok(Status::Ok),
            _ => Err(Misuse::BadValue("PIN", pin, "a pin of this device").into()),
        };
    }
    let mut out = &mut *environment.out;
    let mut written = Ok(());
    if request.as_json {
        write::object(&mut out, |out| {
            out.array("pins", |out| {
                devices.pins(&mut |seen| {
                    if written.is_ok() {
                        written = out.object(|out| {
                            match seen.name {
                                Some(name) => out.string("name", name)?,
                                None => out.null("name")?,
                            }
                            out.unsigned("port", seen.pin.port.into())?;
                            out.unsigned("line", seen.pin.line.into())?;
                            out.string("direction", direction(seen))?;
                            out.boolean("active", seen.active)
                        });
                    }
                });
                written
            })
        })?;
        writeln!(out)?;
        return Ok(Status::Ok);
    }
    writeln!(out, "PIN    NAME    DIRECTION  LEVEL")?;
    devices.pins(&mut |seen| {
        if written.is_ok() {
            let Pin { port, line } = seen.pin;
            let (name, level) = (seen.name.unwrap_or("-"), level(seen.active));
            written = writeln!(
                out,
                "{port}.{line:<4} {name:6}  {:9}  {level}",
                direction(seen)
            );
        }
    });
    written?;
    Ok(Status::Ok)
}

/// The pin of that name, or of those numbers.
fn find(devices: &dyn Simulated, text: &str) -> Option<Pin> {
    let mut found = None;
    devices.pins(&mut |seen| {
        if seen.name == Some(text) {
            found = Some(seen.pin);
        }
    });
    found.or_else(|| {
        let (port, line) = text.split_once('.')?;
        Some(Pin {
            port: number(port)?.try_into().ok()?,
            line: number(line)?.try_into().ok()?,
        })
    })
}

fn direction(seen: Seen<'_>) -> &'static str {
    match seen.direction {
        Direction::Input => "input",
        Direction::Output => "output",
        Direction::Off => "off",
    }
}

fn level(active: bool) -> &'static str {
    if active { "on" } else { "off" }
}

/// `device sensor`
#[inline(never)]
pub(super) fn sensor<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let request = Request::read(arguments, ["SENSOR", "CHANNEL", "VALUE"])?;
    let devices = simulated(environment)?;
    if let Some([sensor, channel, text]) = request.operands {
        let wanted = "a number with at most six decimals";
        let value = millionths(text).ok_or(Misuse::BadValue("VALUE", text, wanted))?;
        let set = devices.set_channel(sensor, channel, value);
        let wanted = "a channel of that sensor";
        set.map_err(|_| Misuse::BadValue("CHANNEL", channel, wanted))?;
        return Ok(Status::Ok);
    }
    let mut out = &mut *environment.out;
    let mut written = Ok(());
    if request.as_json {
        write::object(&mut out, |out| {
            out.array("channels", |out| {
                devices.channels(&mut |sensor, channel, value| {
                    if written.is_ok() {
                        written = out.object(|out| {
                            out.string("sensor", sensor)?;
                            out.string("channel", channel)?;
                            out.string("value", Millionths(value))
                        });
                    }
                });
                written
            })
        })?;
        writeln!(out)?;
        return Ok(Status::Ok);
    }
    writeln!(out, "SENSOR    CHANNEL       VALUE")?;
    devices.channels(&mut |sensor, channel, value| {
        if written.is_ok() {
            let value = Millionths(value);
            written = writeln!(out, "{sensor:8}  {channel:12}  {value}");
        }
    });
    written?;
    Ok(Status::Ok)
}

/// Displays millionths as a number with six decimals.
struct Millionths(i64);

impl fmt::Display for Millionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLION: u64 = 1_000_000;
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (size / MILLION, size % MILLION);
        write!(f, "{sign}{whole}.{rest:06}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn what_is_read_as_millionths_is_shown_so() {
        for (text, value, shown) in [
            ("21.5", Some(21_500_000), "21.500000"),
            ("-0.000001", Some(-1), "-0.000001"),
            ("0", Some(0), "0.000000"),
            ("-5", Some(-5_000_000), "-5.000000"),
            (
                "9223372036854.775807",
                Some(i64::MAX),
                "9223372036854.775807",
            ),
            (
                "-9223372036854.775808",
                Some(i64::MIN),
                "-9223372036854.775808",
            ),
            ("9223372036854.775808", None, ""),
            ("1.0000001", None, ""),
            ("1.", None, ""),
            (".5", None, ""),
            ("", None, ""),
            ("-", None, ""),
            ("--1", None, ""),
            ("+1", None, ""),
            ("1e3", None, ""),
        ] {
            assert_eq!(millionths(text), value, "{text}");
            if let Some(value) = value {
                assert_eq!(Millionths(value).to_string(), shown);
            }
        }
    }
}
