// SPDX-License-Identifier: Apache-2.0
//! Digital inputs and outputs. They need the permission `gpio`.
//!
//! Levels are logical: active, whatever the voltage. A pin belongs to the container from its
//! configuration to the container's end; one that another has is [`Error::EBUSY`].
//!
//! [`Error::EBUSY`]: crate::Error::EBUSY

use core::ffi::CStr;

use crate::error::{check, done};
use crate::{Result, sys};

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;

/// Pin, by name or by port and number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum PinName<'a> {
    Named(&'a CStr),
    Numbered(i32, i32),
}

impl<'a> PinName<'a> {
    /// Pin by numbers. Those that no pin can have become -1.
    fn numbered(port: u32, pin: u32) -> Self {
        let signed = |number| i32::try_from(number).unwrap_or(-1);
        Self::Numbered(signed(port), signed(pin))
    }

    fn configure(self, direction: i32) -> Result<Self> {
        // SAFETY: takes nothing.
        done(unsafe { sys::ocre_gpio_init() })?;
        done(match self {
            // SAFETY: a text ended by NUL.
            Self::Named(name) => unsafe {
                sys::ocre_gpio_configure_by_name(name.as_ptr(), direction)
            },
            // SAFETY: takes numbers.
            Self::Numbered(port, pin) => unsafe { sys::ocre_gpio_configure(port, pin, direction) },
        })?;
        Ok(self)
    }

    fn get(self) -> Result<bool> {
        let level = check(match self {
            // SAFETY: a text ended by NUL.
            Self::Named(name) => unsafe { sys::ocre_gpio_get_by_name(name.as_ptr()) },
            // SAFETY: takes numbers.
            Self::Numbered(port, pin) => unsafe { sys::ocre_gpio_pin_get(port, pin) },
        })?;
        Ok(level != 0)
    }
}

/// Output pin.
///
/// ```no_run
/// use ocre_guest::Output;
///
/// let led = Output::named(c"led0")?;
/// led.set(true)?;
/// assert!(led.is_active()?);
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Debug)]
pub struct Output<'a>(PinName<'a>);

impl<'a> Output<'a> {
    /// Configures the pin with a name, such as `c"led0"`; inactive at first.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn named(name: &'a CStr) -> Result<Self> {
        PinName::Named(name).configure(OUTPUT).map(Self)
    }

    /// Configures the pin of a port; inactive at first.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn numbered(port: u32, pin: u32) -> Result<Self> {
        PinName::numbered(port, pin).configure(OUTPUT).map(Self)
    }

    /// Drives the pin active or inactive.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn set(&self, active: bool) -> Result<()> {
        done(match self.0 {
            // SAFETY: a text ended by NUL.
            PinName::Named(name) => unsafe {
                sys::ocre_gpio_set_by_name(name.as_ptr(), active.into())
            },
            // SAFETY: takes numbers.
            PinName::Numbered(port, pin) => unsafe {
                sys::ocre_gpio_pin_set(port, pin, active.into())
            },
        })
    }

    /// Toggles the pin.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn toggle(&self) -> Result<()> {
        done(match self.0 {
            // SAFETY: a text ended by NUL.
            PinName::Named(name) => unsafe { sys::ocre_gpio_toggle_by_name(name.as_ptr()) },
            // SAFETY: takes numbers.
            PinName::Numbered(port, pin) => unsafe { sys::ocre_gpio_pin_toggle(port, pin) },
        })
    }

    /// True where the pin is driven active.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn is_active(&self) -> Result<bool> {
        self.0.get()
    }
}

/// Input pin.
///
/// ```no_run
/// use ocre_guest::{Event, Input, events};
///
/// let button = Input::named(c"sw0")?;
/// button.watch()?;
/// for event in events() {
///     if let Event::Pin { active: true, .. } = event? {
///         println!("pressed");
///     }
/// }
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Debug)]
pub struct Input<'a>(PinName<'a>);

impl<'a> Input<'a> {
    /// Configures the pin with a name, such as `c"sw0"`.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn named(name: &'a CStr) -> Result<Self> {
        PinName::Named(name).configure(INPUT).map(Self)
    }

    /// Configures the pin of a port.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn numbered(port: u32, pin: u32) -> Result<Self> {
        PinName::numbered(port, pin).configure(INPUT).map(Self)
    }

    /// True where the pin is active.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn is_active(&self) -> Result<bool> {
        self.0.get()
    }

    /// Starts to send the pin's changes as [events](crate::events).
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn watch(&self) -> Result<()> {
        done(match self.0 {
            // SAFETY: a text ended by NUL.
            PinName::Named(name) => unsafe {
                sys::ocre_gpio_register_callback_by_name(name.as_ptr())
            },
            // SAFETY: takes numbers.
            PinName::Numbered(port, pin) => unsafe { sys::ocre_gpio_register_callback(port, pin) },
        })
    }

    /// Stops to send the pin's changes.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn unwatch(&self) -> Result<()> {
        done(match self.0 {
            // SAFETY: a text ended by NUL.
            PinName::Named(name) => unsafe {
                sys::ocre_gpio_unregister_callback_by_name(name.as_ptr())
            },
            // SAFETY: takes numbers.
            PinName::Numbered(port, pin) => unsafe {
                sys::ocre_gpio_unregister_callback(port, pin)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn numbers_that_no_pin_has_do_not_become_another_pins() {
        assert_eq!(PinName::numbered(1, 31), PinName::Numbered(1, 31));
        assert_eq!(
            PinName::numbered(u32::MAX, 1 << 31),
            PinName::Numbered(-1, -1)
        );
    }

    #[test]
    fn without_a_runtime_there_are_no_pins() {
        assert_eq!(Output::named(c"led0").unwrap_err(), Error::ENOSYS);
        assert_eq!(Input::numbered(0, 0).unwrap_err(), Error::ENOSYS);
    }
}
