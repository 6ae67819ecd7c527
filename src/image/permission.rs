// SPDX-License-Identifier: Apache-2.0
//! Permissions: the closed list of what a container can be allowed beyond its own files. A name
//! that is not in the list is refused, never ignored.
//!
//! Names of Ocre's documents and runtime are taken, too, where they have a meaning here: each
//! stands for a set of these permissions.

/// A permission. Everything is denied that is not both asked for by the image
/// (`config.Permissions`) and granted by the operator (`--cap`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Digital inputs and outputs.
    Gpio,
    /// Messages between containers.
    Messaging,
    /// Sockets.
    Network,
    /// Sensor channels.
    Sensors,
    /// Timers that send events.
    Timers,
}

impl Permission {
    /// Every permission, in the order of the docs.
    pub const ALL: [Self; 5] = [
        Self::Gpio,
        Self::Messaging,
        Self::Network,
        Self::Sensors,
        Self::Timers,
    ];

    /// Name in an image's config and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gpio => "gpio",
            Self::Messaging => "messaging",
            Self::Network => "network",
            Self::Sensors => "sensors",
            Self::Timers => "timers",
        }
    }

    /// Finds the permission of that name; names are compared exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Names of Ocre, and the permissions that each stands for. A container always has its own files.
const OF_OCRE: [(&str, &[Permission]); 3] = [
    ("filesystem", &[]),
    ("networking", &[Permission::Network]),
    (
        "ocre:api",
        &[
            Permission::Gpio,
            Permission::Messaging,
            Permission::Sensors,
            Permission::Timers,
        ],
    ),
];

/// A set of permissions.
///
/// ```
/// use ocre::image::permission::{Permission, Permissions};
///
/// let mut asked = Permissions::NONE;
/// asked.insert(Permission::Gpio);
/// asked.insert(Permission::Timers);
/// let granted = Permissions::named(|name| name == "timers").unwrap();
/// let in_force = asked.intersection(granted);
/// assert!(in_force.contains(Permission::Timers) && !in_force.contains(Permission::Gpio));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// No permissions.
    pub const NONE: Self = Self(0);

    /// Returns the permissions of the name that `is` accepts: a permission, or those of a name of
    /// Ocre.
    pub fn named(is: impl Fn(&str) -> bool) -> Option<Self> {
        let set = |members: &[Permission]| {
            let mut set = Self::NONE;
            members.iter().for_each(|member| set.insert(*member));
            set
        };
        let one = Permission::ALL.iter().find(|one| is(one.name()));
        let of_ocre = || OF_OCRE.iter().find(|(name, _)| is(name));
        one.map(|one| set(&[*one]))
            .or_else(|| of_ocre().map(|(_, members)| set(members)))
    }

    /// Adds a permission.
    pub const fn insert(&mut self, permission: Permission) {
        self.0 |= permission.bit();
    }

    /// True where the set has that permission.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Returns the permissions of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the permissions of both sets: asked for and granted.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the permissions in `self` and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Iterates over the permissions, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.contains(*permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_permission_and_no_other_name_does() {
        for permission in Permission::ALL {
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
        }
        for unknown in ["", "GPIO", "gpio ", "gpioo", "all"] {
            assert_eq!(Permission::from_name(unknown), None);
        }
    }

    #[test]
    fn ocres_names_stand_for_what_they_mean() {
        let named = |name: &str| Permissions::named(|known| known == name);
        for permission in Permission::ALL {
            let one = named(permission.name()).unwrap();
            assert!(one.iter().eq([permission]));
        }
        assert_eq!(named("filesystem"), Some(Permissions::NONE));
        assert_eq!(named("networking"), named("network"));
        let all = Permissions(0b1_1111);
        let api = all.difference(named("network").unwrap());
        assert_eq!(named("ocre:api"), Some(api));
        // Names of Ocre without a meaning here, and unknown names.
        for unknown in ["http", "i2c", "ocre:shared_heap", "ocre", "ocre:", ""] {
            assert_eq!(named(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_permission_holds_only_when_asked_for_and_granted() {
        let mut asked = Permissions::default();
        asked.insert(Permission::Gpio);
        asked.insert(Permission::Timers);
        let mut granted = Permissions::default();
        granted.insert(Permission::Timers);
        granted.insert(Permission::Network);
        let holds = asked.intersection(granted);
        assert!(holds.iter().eq([Permission::Timers]));
        assert!(asked.difference(granted).iter().eq([Permission::Gpio]));
    }
}
