// SPDX-License-Identifier: Apache-2.0
//! Spec of a container: its image, arguments, limits and grants.

use heapless::String;

use super::mount::{self, Mounts};
use super::texts::push;
use super::{Error, Limits, Name, Restart};
use crate::image::Image;
use crate::image::permission::Permissions;
use crate::limits::{MAX_ARGUMENTS, MAX_ENVIRONMENT};

/// Options of a new container.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The guest's arguments, after its name.
    pub arguments: &'a [&'a str],
    /// Environment variables, `NAME=value`, on top of the image's.
    pub environment: &'a [&'a str],
    /// Mounts, `SRC:DST[:ro]`: folders of the partition besides its own.
    pub mounts: &'a [&'a str],
    /// Granted permissions.
    pub granted: Permissions,
    /// Limits.
    pub limits: Limits,
    /// Restart policy.
    pub restart: Restart,
    /// True where the console shows the container's output and gives it input.
    pub attached: bool,
    /// True for a temporary container, which has no record: after a reboot it is gone, with its
    /// files.
    pub temporary: bool,
    /// Tag to follow. Without one, or if temporary, the container keeps its image.
    pub follow: Option<Follow<'a>>,
}

/// Tag that a container follows: each start takes the image that the tag leads to then.
#[derive(Clone, Copy, Debug)]
pub struct Follow<'a> {
    /// The tag, as it was typed.
    pub tag: &'a str,
    /// Mark of the tag: see [`Tagged`](crate::image::store::update::Tagged).
    pub fingerprint: u64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            arguments: &[],
            environment: &[],
            mounts: &[],
            granted: Permissions::default(),
            limits: Limits::default(),
            restart: Restart::No,
            attached: false,
            temporary: false,
            follow: None,
        }
    }
}

/// Spec of a container.
///
/// ```
/// use ocre::container::{Name, Options, Restart, Spec};
/// # let image = ocre::image::Image::blank();
///
/// let options = Options {
///     arguments: &["--fast"],
///     environment: &["LEVEL=2"],
///     restart: Restart::Always,
///     ..Options::default()
/// };
/// let mut spec = Spec::blank();
/// spec.resolve(&Name::parse("app")?, &image, &options)?;
/// assert_eq!(spec.arguments, "app\0--fast\0");
/// assert_eq!(spec.image.environment, "LEVEL=2\0");
/// # Ok::<(), ocre::container::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// Image. Its environment has the options' variables on top, and its permissions are those in
    /// force: asked for by the image and granted.
    pub image: Image,
    /// Arguments, each followed by a NUL; the first is the container's name.
    pub arguments: String<MAX_ARGUMENTS, u16>,
    /// Mounts: folders of the partition besides the container's own.
    pub mounts: Mounts,
    /// Limits.
    pub limits: Limits,
    /// Restart policy.
    pub restart: Restart,
    /// True where the console shows the container's output and gives it input.
    pub attached: bool,
    /// True for a temporary container, which has no record: after a reboot it is gone, with its
    /// files.
    pub temporary: bool,
    /// Mark of the followed tag when the container got its image; 0 where it follows none.
    pub followed: u64,
}

impl Spec {
    /// Nothing yet. It is large for a device's stack, so it is made where it stays.
    #[inline(never)]
    pub const fn blank() -> Self {
        Self {
            image: Image::blank(),
            arguments: String::new(),
            mounts: Mounts::new(),
            limits: Limits::NOTHING,
            restart: Restart::No,
            attached: false,
            temporary: false,
            followed: 0,
        }
    }

    /// Copies `other` into `self`, without a copy in between.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        // By name, so that a new field is not forgotten here.
        let Self {
            image,
            arguments,
            mounts,
            limits,
            restart,
            attached,
            temporary,
            followed,
        } = other;
        self.image.copy_from(image);
        self.arguments.clear();
        self.mounts.clear();
        // Both have the same capacity.
        let _ = self.arguments.push_str(arguments);
        let _ = self.mounts.push_str(mounts);
        self.limits = *limits;
        self.restart = *restart;
        self.attached = *attached;
        self.temporary = *temporary;
        self.followed = *followed;
    }

    /// Fills in the spec of an image with these options.
    ///
    /// # Errors
    /// The errors of [`Error`] about arguments, environment and mounts.
    pub fn resolve(
        &mut self,
        name: &Name,
        image: &Image,
        options: &Options<'_>,
    ) -> Result<(), Error> {
        self.arguments.clear();
        for argument in [&**name].iter().chain(options.arguments) {
            if argument.contains('\0') {
                return Err(Error::ArgumentSyntax);
            }
            push(&mut self.arguments, argument).ok_or(Error::ArgumentsTooLong)?;
        }
        self.image.copy_from(image);
        merge(
            &image.environment,
            options.environment,
            &mut self.image.environment,
        )?;
        self.image.permissions = image.permissions.intersection(options.granted);
        mount::list(options.mounts, &mut self.mounts)?;
        self.limits = options.limits;
        self.restart = options.restart;
        self.attached = options.attached;
        self.temporary = options.temporary;
        let follow = options.follow.filter(|_| !options.temporary);
        self.followed = follow.map_or(0, |follow| follow.fingerprint);
        Ok(())
    }

    /// Replaces the image, with the creator's environment and grants.
    pub(crate) fn adopt(
        &mut self,
        image: &mut Image,
        environment: &[&str],
        granted: Permissions,
        fingerprint: u64,
    ) -> Result<(), Error> {
        let mut merged = String::new();
        merge(&image.environment, environment, &mut merged)?;
        image.environment = merged;
        image.permissions = image.permissions.intersection(granted);
        self.image.copy_from(image);
        self.followed = fingerprint;
        Ok(())
    }
}

/// Merges the image's variables and those in `over`; of several of one name, the last stays.
fn merge(
    image: &str,
    over: &[&str],
    environment: &mut String<MAX_ENVIRONMENT, u16>,
) -> Result<(), Error> {
    let well_formed = |variable: &&str| !variable.contains('\0') && variable.find('=') > Some(0);
    if !over.iter().all(well_formed) {
        return Err(Error::EnvironmentSyntax);
    }
    environment.clear();
    let (mut image, mut over) = (image, over);
    loop {
        let variable;
        if let Some((first, rest)) = image.split_once('\0') {
            (variable, image) = (first, rest);
        } else if let Some((first, rest)) = over.split_first() {
            (variable, over) = (*first, rest);
        } else {
            return Ok(());
        }
        let mut later = image.split_terminator('\0').chain(over.iter().copied());
        if !later.any(|other| name_of(other) == name_of(variable)) {
            push(environment, variable).ok_or(Error::EnvironmentTooLong)?;
        }
    }
}

fn name_of(variable: &str) -> &str {
    variable.split('=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(image: &str, over: &[&str]) -> Result<String<MAX_ENVIRONMENT, u16>, Error> {
        let mut environment = String::new();
        merge(image, over, &mut environment)?;
        Ok(environment)
    }

    #[test]
    fn a_variable_that_is_set_again_has_its_last_value() {
        let image = "A=1\0B=2\0PATH=/\0";
        let merged = environment(image, &["B=3", "C=", "C=x=y"]).unwrap();
        assert_eq!(merged, "A=1\0PATH=/\0B=3\0C=x=y\0");
        assert_eq!(environment("", &[]).unwrap(), "");
    }

    #[test]
    fn a_variable_needs_a_name() {
        for bad in ["", "A", "=1", "A=\0"] {
            assert_eq!(
                environment("", &[bad]),
                Err(Error::EnvironmentSyntax),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn an_environment_that_is_too_long_is_refused_not_cut() {
        let mut long: String<MAX_ENVIRONMENT> = String::try_from("A=").unwrap();
        while long.len() < MAX_ENVIRONMENT - 1 {
            long.push('x').unwrap();
        }
        assert_eq!(environment("", &[&long]).unwrap().len(), MAX_ENVIRONMENT);
        assert_eq!(
            environment("B=\0", &[&long]),
            Err(Error::EnvironmentTooLong)
        );
        assert_eq!(
            environment("A=\0", &[&long]).unwrap().len(),
            MAX_ENVIRONMENT
        );
    }
}
