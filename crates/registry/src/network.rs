// SPDX-License-Identifier: Apache-2.0
//! Networks by their IP addresses, however an address is spelt.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Network that an address belongs to, as seen from this machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Network {
    /// The internet.
    Public,
    /// Private use: RFC 1918, RFC 4193, RFC 6598.
    Private,
    /// This machine.
    Loopback,
    /// A single link, or the metadata service of a cloud: it answers without credentials, and
    /// gives them out.
    Local,
    /// Addresses that no server has: multicast, broadcast, reserved.
    Nowhere,
}

/// Metadata services outside of the link-local networks.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// Names of metadata services, which a proxy would resolve.
const METADATA_NAMES: [&str; 5] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

impl Network {
    /// Network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Network of a URL's host, where that can be told without resolving it.
    pub fn of_host(host: &str) -> Option<Self> {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if METADATA_NAMES.contains(&&*name) {
            return Some(Self::Local);
        }
        if name == "localhost" || name.ends_with(".localhost") {
            return Some(Self::Loopback);
        }
        literal(&name).map(Self::of)
    }

    /// Tells if a server in this network may lead to one in `other`: to its own network and to
    /// wider ones.
    pub fn may_lead_to(self, other: Self) -> bool {
        match other {
            Self::Public => true,
            Self::Private => matches!(self, Self::Private | Self::Loopback | Self::Local),
            Self::Loopback => self == Self::Loopback,
            Self::Local | Self::Nowhere => false,
        }
    }

    /// Name for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Loopback => "this machine",
            Self::Local => "a link-local or metadata address",
            Self::Nowhere => "an address that no server has",
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Network {
    let [first, second, ..] = address.octets();
    if address.is_link_local() || METADATA_V4.contains(&address) {
        Network::Local
    } else if address.is_loopback() || first == 0 {
        // The system takes 0.0.0.0 for this machine.
        Network::Loopback
    } else if address.is_private() || (first == 100 && second & 0xc0 == 64) {
        Network::Private
    } else if first >= 224 {
        Network::Nowhere
    } else {
        Network::Public
    }
}

fn of_v6(address: Ipv6Addr) -> Network {
    if let Some(inner) = inner_v4(address) {
        return of_v4(inner);
    }
    if address.is_unicast_link_local()
        || address.segments()[0] & 0xffc0 == 0xfec0
        || METADATA_V6.contains(&address)
    {
        Network::Local
    } else if address.is_loopback() || address.is_unspecified() {
        Network::Loopback
    } else if address.is_unique_local() {
        Network::Private
    } else if address.is_multicast() {
        Network::Nowhere
    } else {
        Network::Public
    }
}

/// IPv4 address in an IPv6 one: mapped, compatible, translated (RFC 6052, RFC 8215), 6to4.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let [high, low] = match parts {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => [high, low],
        _ => return None,
    };
    Some((u32::from(high) << 16 | u32::from(low)).into())
}

/// Tells if a host is an IP address in any spelling.
pub fn is_literal(host: &str) -> bool {
    literal(host.strip_suffix('.').unwrap_or(host)).is_some()
}

fn literal(host: &str) -> Option<IpAddr> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        // A zone is of this machine alone.
        let address = inner.split('%').next().unwrap_or(inner);
        return address.parse().ok().map(IpAddr::V6);
    }
    loose_v4(host).map(IpAddr::V4)
}

/// IPv4 address as `inet_aton` takes it: one to four numbers, decimal, octal or hexadecimal, the
/// last of which fills the rest.
fn loose_v4(host: &str) -> Option<Ipv4Addr> {
    let mut numbers = Vec::new();
    for part in host.split('.') {
        numbers.push(number(part)?);
    }
    let (last, first) = numbers.split_last()?;
    let room = 8 * u32::try_from(4_usize.checked_sub(first.len())?).ok()?;
    if room == 0 || first.iter().any(|number| *number > 0xff) || *last >> room != 0 {
        return None;
    }
    let high = first
        .iter()
        .zip([24, 16, 8])
        .fold(0, |sum, (number, shift)| sum | number << shift);
    u32::try_from(high | last).ok().map(Ipv4Addr::from)
}

fn number(part: &str) -> Option<u64> {
    let hexadecimal = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if part.len() > 1 && part.starts_with('0') => (&part[1..], 8),
        None => (part, 10),
    };
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_network_in_every_spelling() {
        for (host, network) in [
            ("8.8.8.8", Network::Public),
            ("[2606:4700::1]", Network::Public),
            ("134744072", Network::Public),
            ("198.18.0.1", Network::Public),
            ("10.1.2.3", Network::Private),
            ("172.16.0.1", Network::Private),
            ("192.168.1.1", Network::Private),
            ("100.64.0.1", Network::Private),
            ("[fd12::1]", Network::Private),
            ("0xa.1", Network::Private),
            ("[::ffff:10.0.0.1]", Network::Private),
            ("127.0.0.1", Network::Loopback),
            ("127.1", Network::Loopback),
            ("2130706433", Network::Loopback),
            ("0x7f000001", Network::Loopback),
            ("0X7F.1", Network::Loopback),
            ("0177.0.0.01", Network::Loopback),
            ("127.0.0.1.", Network::Loopback),
            ("0.0.0.0", Network::Loopback),
            ("0", Network::Loopback),
            ("0x", Network::Loopback),
            ("localhost", Network::Loopback),
            ("LocalHost.", Network::Loopback),
            ("a.localhost", Network::Loopback),
            ("[::1]", Network::Loopback),
            ("[::]", Network::Loopback),
            ("[::ffff:127.0.0.1]", Network::Loopback),
            ("[::127.0.0.1]", Network::Loopback),
            ("[64:ff9b::7f00:1]", Network::Loopback),
            ("169.254.169.254", Network::Local),
            ("169.254.43518", Network::Local),
            ("2852039166", Network::Local),
            ("0xA9FEA9FE", Network::Local),
            ("0251.0376.0251.0376", Network::Local),
            ("[::ffff:169.254.169.254]", Network::Local),
            ("[::ffff:0:169.254.169.254]", Network::Local),
            ("[::a9fe:a9fe]", Network::Local),
            ("[64:ff9b::169.254.169.254]", Network::Local),
            ("[64:ff9b:1::169.254.169.254]", Network::Local),
            ("[2002:a9fe:a9fe::]", Network::Local),
            ("[fe80::1]", Network::Local),
            ("[fe80::1%25eth0]", Network::Local),
            ("[fec0::1]", Network::Local),
            ("[fd00:ec2::254]", Network::Local),
            ("100.100.100.200", Network::Local),
            ("168.63.129.16", Network::Local),
            ("metadata.google.internal", Network::Local),
            ("Metadata.Google.Internal.", Network::Local),
            ("224.0.0.1", Network::Nowhere),
            ("255.255.255.255", Network::Nowhere),
            ("[ff02::1]", Network::Nowhere),
        ] {
            assert_eq!(Network::of_host(host), Some(network), "{host}");
        }
    }

    #[test]
    fn names_have_to_be_resolved() {
        for host in [
            "example.com",
            "a",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.256",
            "4294967296",
            "0x100000000",
            "08",
            "0xg",
            "1..2",
            "",
            ".",
            "-1",
            "+1",
            "notlocalhost",
            "[1.2.3.4]",
        ] {
            assert_eq!(Network::of_host(host), None, "{host}");
        }
    }

    #[test]
    fn a_server_leads_to_its_own_network_and_wider_ones() {
        use Network::{Local, Loopback, Nowhere, Private, Public};
        for (from, allowed) in [
            (Public, &[Public][..]),
            (Private, &[Public, Private]),
            (Loopback, &[Public, Private, Loopback]),
            (Local, &[Public, Private]),
        ] {
            for to in [Public, Private, Loopback, Local, Nowhere] {
                assert_eq!(
                    from.may_lead_to(to),
                    allowed.contains(&to),
                    "{from:?} {to:?}"
                );
            }
        }
    }
}
