// SPDX-License-Identifier: Apache-2.0
//! `device gpio` and `device sensor`: the world around a simulated device.

use core::fmt;

use super::CommandStatus;
use super::arguments::{UsageError, millionths, number};
use super::session::{CommandError, CommandResult, Session};
use crate::port::devices::{Direction, Pin, PinView, Simulated};
use crate::supervisor::Platform;

/// Returns the operands: one for each of `names`, or none.
fn operands<'a, P: Platform, const N: usize>(
    session: &mut Session<'a, P>,
    names: [&'static str; N],
) -> Result<Option<[&'a str; N]>, CommandError> {
    let given = session.operands.len();
    match <[&str; N]>::try_from(&*session.operands) {
        Ok(all) => Ok(Some(all)),
        Err(_) if given == 0 => Ok(None),
        Err(_) => {
            let missing = names.get(given).copied().unwrap_or_default();
            Err(session.misuse(&UsageError::OperandMissing(missing)))
        }
    }
}

/// Returns the simulation; without one, `device` is an unknown command.
fn simulated<'a, P: Platform>(
    session: &mut Session<'a, P>,
) -> Result<&'a dyn Simulated, CommandError> {
    let simulated = session.supervisor.platform().simulated();
    simulated.ok_or_else(|| session.misuse(&UsageError::UnknownCommand("device", None)))
}

/// `device gpio`
#[inline(never)]
pub(super) fn gpio<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let operands = operands(session, ["PIN", "on or off"])?;
    let devices = simulated(session)?;
    if let Some([pin, level]) = operands {
        let active = match level {
            "on" => true,
            "off" => false,
            other => {
                return Err(session.misuse(&UsageError::BadOperand("level", other, "on or off")));
            }
        };
        let driven = find(devices, pin).map(|found| devices.drive(found, active));
        return match driven {
            Some(Ok(())) => Ok(CommandStatus::Ok),
            _ => Err(session.misuse(&UsageError::BadOperand("PIN", pin, "a pin of this device"))),
        };
    }
    if session.json() {
        session.out.document(|out| {
            out.array("pins", |out| {
                devices.pins(&mut |seen| {
                    out.object(|out| {
                        match seen.name {
                            Some(name) => out.string("name", name),
                            None => out.null("name"),
                        }
                        out.unsigned("port", seen.pin.port.into());
                        out.unsigned("line", seen.pin.line.into());
                        out.string("direction", direction(seen));
                        out.boolean("active", seen.active);
                    });
                });
            });
        });
        return Ok(CommandStatus::Ok);
    }
    let out = &mut session.out;
    writeln!(out, "PIN    NAME    DIRECTION  LEVEL");
    devices.pins(&mut |seen| {
        let Pin { port, line } = seen.pin;
        let (name, level) = (seen.name.unwrap_or("-"), level(seen.active));
        let direction = direction(seen);
        writeln!(out, "{port}.{line:<4} {name:6}  {direction:9}  {level}");
    });
    Ok(CommandStatus::Ok)
}

/// Finds a pin by its name, or by `PORT.LINE`.
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

fn direction(seen: PinView<'_>) -> &'static str {
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
pub(super) fn sensor<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let operands = operands(session, ["SENSOR", "CHANNEL", "VALUE"])?;
    let devices = simulated(session)?;
    if let Some([sensor, channel, text]) = operands {
        let Some(value) = millionths(text) else {
            let wanted = "a number with at most six decimals";
            return Err(session.misuse(&UsageError::BadOperand("VALUE", text, wanted)));
        };
        if devices.set_channel(sensor, channel, value).is_err() {
            let mut known = false;
            devices.channels(&mut |found, _, _| known |= found == sensor);
            let misuse = if known {
                UsageError::BadOperand("CHANNEL", channel, "a channel of that sensor")
            } else {
                UsageError::BadOperand("SENSOR", sensor, "a sensor of this device")
            };
            return Err(session.misuse(&misuse));
        }
        return Ok(CommandStatus::Ok);
    }
    if session.json() {
        session.out.document(|out| {
            out.array("channels", |out| {
                devices.channels(&mut |sensor, channel, value| {
                    out.object(|out| {
                        out.string("sensor", sensor);
                        out.string("channel", channel);
                        out.display("value", &Millionths(value));
                    });
                });
            });
        });
        return Ok(CommandStatus::Ok);
    }
    let out = &mut session.out;
    writeln!(out, "SENSOR    CHANNEL       VALUE");
    devices.channels(&mut |sensor, channel, value| {
        let value = Millionths(value);
        writeln!(out, "{sensor:8}  {channel:12}  {value}");
    });
    Ok(CommandStatus::Ok)
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
