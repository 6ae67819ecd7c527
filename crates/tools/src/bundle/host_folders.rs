// SPDX-License-Identifier: Apache-2.0
//! Folders of the PC that a bundle may not change unless the user allows it: through them, a
//! guest could take over the PC or its user.
//!
//! Folders are compared by device and inode, so that links and bind mounts count as their
//! targets.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Folders of the system, protected with everything in them.
const SYSTEM: [&str; 12] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys",
    "/usr",
];

/// Folders in a user's home folder with keys and with programs that run at login.
const OF_USER: [&str; 5] = [".config", ".docker", ".gnupg", ".local", ".ssh"];

/// Folders and files of the user.
#[derive(Debug, Default)]
pub struct Owner {
    /// The user's folder.
    pub home: Option<PathBuf>,
    /// The flash file in use.
    pub flash: Option<PathBuf>,
}

/// Reason for which a guest may not change a folder, which is a real path; `None` if it may.
pub fn protected(folder: &Path, owner: &Owner) -> Option<String> {
    let inside = |of: &Path| {
        let of = identity(of)?;
        let mut above = folder.ancestors();
        above.any(|above| identity(above) == Some(of)).then_some(())
    };
    let holds = |what: &Path| {
        let own = identity(folder)?;
        let what = what.canonicalize().ok()?;
        let mut above = what.ancestors();
        above
            .any(|above| identity(above) == Some(own))
            .then_some(())
    };
    if holds(Path::new("/")).is_some() {
        return Some("the folder is the PC's root".to_owned());
    }
    if let Some(system) = SYSTEM
        .iter()
        .find(|system| inside(Path::new(system)).is_some() || holds(Path::new(system)).is_some())
    {
        return Some(format!("the folder belongs to the system: {system}"));
    }
    if let Some(home) = &owner.home {
        if holds(home).is_some() {
            return Some("the folder is or holds the user's home folder".to_owned());
        }
        let kept = OF_USER
            .iter()
            .find(|name| inside(&home.join(name)).is_some());
        if let Some(name) = kept {
            return Some(format!("the folder is in the user's {name}"));
        }
    }
    let flash = owner.flash.as_ref()?;
    holds(flash).map(|()| "the folder holds the flash file".to_owned())
}

/// Device and inode of a path; `None` if it does not exist.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn check(folder: &Path, owner: &Owner) -> Option<String> {
        protected(&folder.canonicalize().unwrap(), owner)
    }

    #[test]
    fn the_system_and_what_leads_to_it_is_protected() {
        let scratch = tempfile::tempdir().unwrap();
        symlink("/", scratch.path().join("root")).unwrap();
        symlink("/etc", scratch.path().join("etc")).unwrap();
        for path in [
            "/",
            "/etc",
            "/proc",
            "/sys",
            "/dev",
            "/usr/lib",
            "/proc/self/root",
        ] {
            assert!(
                check(Path::new(path), &Owner::default()).is_some(),
                "{path}"
            );
        }
        for link in ["root", "etc", "root/usr/bin"] {
            let found = check(&scratch.path().join(link), &Owner::default());
            assert!(found.is_some(), "{link}");
        }
        assert_eq!(check(scratch.path(), &Owner::default()), None);
    }

    #[test]
    fn the_users_folder_and_keys_are_protected_but_not_what_is_beside() {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().join("users/me");
        for folder in [".ssh", "bundle", ".config/autostart"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let owner = Owner {
            home: Some(home.clone()),
            flash: None,
        };
        let users = scratch.path().join("users");
        for folder in [
            home.join(".ssh"),
            home.join(".config/autostart"),
            home.clone(),
            users,
        ] {
            assert!(check(&folder, &owner).is_some(), "{}", folder.display());
        }
        assert_eq!(check(&home.join("bundle"), &owner), None);
    }

    #[test]
    fn what_holds_the_flash_file_is_protected() {
        let scratch = tempfile::tempdir().unwrap();
        let (holds, other) = (scratch.path().join("a/b"), scratch.path().join("c"));
        fs::create_dir_all(&holds).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(holds.join("flash.bin"), "").unwrap();
        let owner = Owner {
            home: None,
            flash: Some(holds.join("flash.bin")),
        };
        assert!(check(&holds, &owner).is_some());
        assert!(check(&scratch.path().join("a"), &owner).is_some());
        assert_eq!(check(&other, &owner), None);
    }
}
