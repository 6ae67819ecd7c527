// SPDX-License-Identifier: Apache-2.0
//! Symbolic links on the way from a guest's path to a place.
//!
//! Promised: as for paths without links, a resolved path is in the folder that it was resolved
//! against, whatever the links hold; and no symbolic link is on the way to it. So the storage need
//! follow none, and one that another program puts there in between is refused.
//!
//! The target of each link takes its place in the rest of the path. A target is taken as a guest's
//! path: an absolute one, and one with a `..` out of the folder, lead nowhere.

use heapless::String;

use crate::errno::Errno;
use crate::path::{self, MAX_GIVEN, PathWalk, Resolved};

/// Most links of one path, as Linux has it.
const MAX_LINKS: u32 = 40;

/// Following of a link at the end of a path. Any link before the end is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowLinks {
    /// A link is followed only if the path goes on with a `/`, which asks for a folder.
    Slash,
    /// A link is followed.
    Always,
    /// A link is the entry itself, also with a `/` behind it.
    Never,
}

/// Reads a link: copies its target and returns the length, or `None` for an entry that is no link.
pub type ReadLink<'a> = dyn FnMut(&str, &mut [u8]) -> Result<Option<usize>, Errno> + 'a;

/// Resolves a path as [`path::resolve`] does, and follows symbolic links.
///
/// # Errors
/// Errors of [`path::resolve`], also for targets; `Loop` for too many links; those of `read_link`.
pub fn resolve_links(
    base: &str,
    given: &[u8],
    follow: FollowLinks,
    check_folder: &mut dyn FnMut(&str) -> Result<(), Errno>,
    read_link: &mut ReadLink<'_>,
) -> Result<Resolved, Errno> {
    let mut left = Left::try_from(path::check(given)?).map_err(|_| Errno::Nametoolong)?;
    let mut walk = PathWalk::new(base, check_folder)?;
    let mut links = 0_u32;
    loop {
        let (part, rest) = match left.split_once('/') {
            Some((part, rest)) => (part, Some(rest)),
            None => (left.as_str(), None),
        };
        if walk.enter(part)? && follows(rest, follow) {
            let mut buffer = [0; MAX_GIVEN + 1];
            if let Some(length) = read_link(walk.path(), &mut buffer)? {
                links = links.saturating_add(1);
                if links > MAX_LINKS {
                    return Err(Errno::Loop);
                }
                let target = buffer.get(..length).ok_or(Errno::Nametoolong)?;
                left = joined(path::check(target)?, rest)?;
                walk.leave();
                continue;
            }
        }
        let Some(rest) = rest else {
            return Ok(walk.end());
        };
        left = Left::try_from(rest).map_err(|_| Errno::Nametoolong)?;
    }
}

/// Checks the target of a link that is to be made at a path, by its form: a guest could not follow
/// one that is absolute or leads out of the top folder, and others are not to be led there.
///
/// # Errors
/// Errors of [`path::check`] and of [`PathWalk::enter`].
pub fn check_target<'t>(link: &str, target: &'t [u8]) -> Result<&'t str, Errno> {
    let target = path::check(target)?;
    let (folder, _) = link.rsplit_once('/').unwrap_or_default();
    let any = &mut |_: &str| Ok(());
    let mut walk = PathWalk::below_top(folder, any)?;
    for part in target.split('/') {
        walk.enter(part)?;
    }
    Ok(target)
}

type Left = String<MAX_GIVEN>;

/// Decides on a link that `rest` is behind.
fn follows(rest: Option<&str>, follow: FollowLinks) -> bool {
    match follow {
        FollowLinks::Always => true,
        FollowLinks::Slash => rest.is_some(),
        FollowLinks::Never => rest.is_some_and(|rest| !rest.chars().all(|one| one == '/')),
    }
}

fn joined(target: &str, rest: Option<&str>) -> Result<Left, Errno> {
    let mut left = Left::new();
    left.push_str(target).map_err(|_| Errno::Nametoolong)?;
    if let Some(rest) = rest {
        left.push('/').map_err(|_| Errno::Nametoolong)?;
        left.push_str(rest).map_err(|_| Errno::Nametoolong)?;
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::path::is_within;

    /// Links and their targets. Besides them there are the folders `d`, `d/e`, `x` and `x/y`, and
    /// the file `f`.
    const LINKS: [(&str, &str); 19] = [
        ("to-d", "d"),
        ("to-file", "f"),
        ("chain", "chain2"),
        ("chain2", "d/../to-d/e"),
        ("d/up", "../x"),
        ("d/twice-up", "../../etc"),
        ("d/e/far", "../../x/y"),
        ("absolute", "/etc/passwd"),
        ("root", "/"),
        ("parent", ".."),
        ("self", "self"),
        ("ping", "pong"),
        ("pong", "./ping/."),
        ("dangling", "none"),
        ("slash", "d/"),
        ("nul", "a\0b"),
        ("x/out", "../d"),
        ("x/y/up", ".."),
        ("out-and-in", "d/../../d"),
    ];

    fn resolved(base: &str, given: &str, follow: FollowLinks) -> Result<(String, bool), Errno> {
        let mut folders = |path: &str| match path {
            "d" | "d/e" | "x" | "x/y" | "" => Ok(()),
            "f" => Err(Errno::Notdir),
            _ => Err(Errno::Noent),
        };
        let mut read_link = |path: &str, buffer: &mut [u8]| {
            let link = LINKS.iter().find(|(link, _)| *link == path);
            Ok(link.map(|(_, target)| {
                let count = target.len().min(buffer.len());
                buffer[..count].copy_from_slice(&target.as_bytes()[..count]);
                count
            }))
        };
        resolve_links(base, given.as_bytes(), follow, &mut folders, &mut read_link)
            .map(|found| ((&*found.path).into(), found.folder))
    }

    fn always(given: &str) -> Result<String, Errno> {
        resolved("", given, FollowLinks::Always).map(|(path, _)| path)
    }

    #[test]
    fn links_are_followed_wherever_they_are() {
        for (given, path) in [
            ("to-d", "d"),
            ("to-d/e", "d/e"),
            ("to-d/../f", "f"),
            ("to-file", "f"),
            ("chain", "d/e"),
            ("chain/far", "x/y"),
            ("chain/..", "d"),
            ("d/up/y", "x/y"),
            ("d/up/..", ""),
            ("d/e/far/up/out/e", "d/e"),
            ("dangling", "none"),
            ("dangling/inner", "none/inner"),
            ("slash/e", "d/e"),
            ("./to-d//e/./far", "x/y"),
            ("new", "new"),
            ("to-d/new", "d/new"),
        ] {
            assert_eq!(always(given), Ok(path.into()), "{given}");
        }
    }

    #[test]
    fn a_link_at_the_end_is_followed_as_it_is_asked_for() {
        let ends = |given, follow| resolved("", given, follow);
        let link = |folder| Ok(("to-d".into(), folder));
        let target = |folder| Ok(("d".into(), folder));
        assert_eq!(ends("to-d", FollowLinks::Always), target(false));
        assert_eq!(ends("to-d", FollowLinks::Slash), link(false));
        assert_eq!(ends("to-d", FollowLinks::Never), link(false));
        assert_eq!(ends("to-d/", FollowLinks::Always), target(true));
        assert_eq!(ends("to-d/", FollowLinks::Slash), target(true));
        assert_eq!(ends("to-d/", FollowLinks::Never), link(true));
        assert_eq!(ends("to-d//", FollowLinks::Never), link(true));
        // A path behind the link is in the link's target.
        assert_eq!(ends("to-d/.", FollowLinks::Never), target(true));
        assert_eq!(
            ends("to-d/e", FollowLinks::Never),
            Ok(("d/e".into(), false))
        );
        assert_eq!(ends("slash", FollowLinks::Always), target(true));
        assert_eq!(ends("self", FollowLinks::Slash), Ok(("self".into(), false)));
    }

    #[test]
    fn no_link_leads_out_of_the_folder() {
        for given in [
            "absolute",
            "absolute/x",
            "root",
            "root/etc",
            "parent",
            "parent/etc",
            "d/twice-up",
            "d/twice-up/passwd",
            "to-d/twice-up",
            "d/up/../..",
            "out-and-in",
            "out-and-in/e",
            "to-d/../..",
            "d/e/far/up/../..",
        ] {
            assert_eq!(always(given), Err(Errno::Perm), "{given}");
        }
        // The folder that a descriptor leads to is the top of what it reaches.
        let inside = |given| resolved("d", given, FollowLinks::Always);
        assert_eq!(inside("up"), Err(Errno::Perm));
        assert_eq!(inside("up/y"), Err(Errno::Perm));
        assert_eq!(inside("e/far"), Err(Errno::Perm));
        assert_eq!(
            resolved("d", "up", FollowLinks::Slash),
            Ok(("d/up".into(), false))
        );
    }

    #[test]
    fn a_target_of_a_new_link_stays_below_the_top_folder() {
        for (link, target) in [
            ("l", "a/b"),
            ("l", "."),
            ("d/l", ".."),
            ("d/e/l", "../../x"),
            ("d/l", "a/../../x/"),
        ] {
            assert_eq!(check_target(link, target.as_bytes()), Ok(target));
        }
        for (link, target, errno) in [
            ("l", "..", Errno::Perm),
            ("l", "a/../..", Errno::Perm),
            ("d/l", "../..", Errno::Perm),
            ("d/e/l", "../../../x", Errno::Perm),
            ("l", "/", Errno::Perm),
            ("l", "", Errno::Noent),
            ("l", "a\0", Errno::Inval),
        ] {
            assert_eq!(
                check_target(link, target.as_bytes()),
                Err(errno),
                "{target}"
            );
        }
        let long = "x".repeat(path::MAX_RELATIVE);
        assert!(check_target("l", long.as_bytes()).is_ok());
        assert_eq!(
            check_target("d/l", long.as_bytes()),
            Err(Errno::Nametoolong)
        );
    }

    #[test]
    fn a_loop_of_links_ends() {
        for given in ["self", "self/x", "ping", "pong", "ping/../d"] {
            assert_eq!(always(given), Err(Errno::Loop), "{given}");
        }
    }

    #[test]
    fn a_target_that_is_no_path_leads_nowhere() {
        assert_eq!(always("nul"), Err(Errno::Inval));
        let mut long = |_: &str, buffer: &mut [u8]| {
            buffer.fill(b'a');
            Ok(Some(buffer.len()))
        };
        let found = resolve_links("", b"a", FollowLinks::Always, &mut |_| Ok(()), &mut long);
        assert_eq!(found, Err(Errno::Nametoolong));
        let mut growing = |_: &str, buffer: &mut [u8]| {
            buffer[..5].copy_from_slice(b"a/b/c");
            Ok(Some(5))
        };
        let found = resolve_links("", b"a", FollowLinks::Always, &mut |_| Ok(()), &mut growing);
        assert_eq!(found, Err(Errno::Loop));
        let mut failing = |_: &str, _: &mut [u8]| Err(Errno::Io);
        let found = resolve_links("", b"a", FollowLinks::Always, &mut |_| Ok(()), &mut failing);
        assert_eq!(found, Err(Errno::Io));
    }

    /// Every path of up to three parts that matter, from each of three folders.
    #[test]
    fn what_comes_out_is_always_below_the_base_and_no_link_is_on_the_way() {
        let mut parts: Vec<&str> = LINKS.iter().map(|(link, _)| *link).collect();
        parts.extend(["d", "f", "x", "..", ".", "", "none"]);
        let count = parts.len();
        let mut resolved_paths = 0;
        for number in 0..count.pow(3) {
            let mut given = String::new();
            let mut rest = number;
            for _ in 0..3 {
                given.push_str(parts[rest % count]);
                given.push('/');
                rest /= count;
            }
            for base in ["", "d", "x/y"] {
                let Ok((path, _)) =
                    resolved(base, given.trim_end_matches('/'), FollowLinks::Always)
                else {
                    continue;
                };
                resolved_paths += 1;
                assert!(is_within(&path, base), "{base} {given}: {path}");
                let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
                assert!(path.is_empty() || path.split('/').all(plain), "{path}");
                let linked = |link: &str| is_within(&path, link);
                assert!(
                    !LINKS.iter().any(|(link, _)| linked(link)),
                    "{given}: {path}"
                );
            }
        }
        assert!(resolved_paths > 1000);
    }
}
