// SPDX-License-Identifier: Apache-2.0
//! The proxy variables of the environment.

use std::env;

use crate::error::{Error, RegistryCode};
use crate::name::is_loopback;

/// Proxy for a host, as `HTTPS_PROXY` or `HTTP_PROXY`, else `ALL_PROXY`, name it; none for this
/// machine, and for the hosts in `NO_PROXY`. Each variable may be spelt in lower case, which wins;
/// but `HTTP_PROXY` in upper case is ignored in a CGI program, whose clients set it.
pub fn of(scheme: &str, host: &str) -> Option<String> {
    let get = |name: &str| {
        let upper = name.to_ascii_uppercase();
        let cgi = upper == "HTTP_PROXY" && env::var_os("REQUEST_METHOD").is_some();
        let value = env::var(name).ok().filter(|value| !value.is_empty());
        value.or_else(|| {
            let value = env::var(upper).ok().filter(|value| !value.is_empty());
            value.filter(|_| !cgi)
        })
    };
    let excepted = get("no_proxy").unwrap_or_default();
    if is_loopback(host) || is_excepted(&excepted, host) {
        return None;
    }
    get(&format!("{scheme}_proxy")).or_else(|| get("all_proxy"))
}

/// Parses a proxy's address, which may hold a password; `host` is the host behind the proxy.
///
/// # Errors
/// `registry-proxy` where the text is no address, or one of a protocol other than HTTP.
pub fn parse(text: &str, host: &str) -> Result<ureq::Proxy, Error> {
    let wrong = |why: &str| Error::new(RegistryCode::Proxy, host).because(why);
    let proxy = ureq::Proxy::new(text).map_err(|_| wrong("the proxy variable holds no address"))?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(proxy),
        _ => Err(wrong("the proxy variable names no HTTP proxy")),
    }
}

/// True where a list names a host: itself, with or without its port, or a domain of the host.
fn is_excepted(list: &str, host: &str) -> bool {
    let bare = host.split(':').next().unwrap_or(host);
    list.split([',', ' ']).map(str::trim).any(|entry| {
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        entry == "*"
            || entry.eq_ignore_ascii_case(host)
            || (!domain.is_empty()
                && (bare.eq_ignore_ascii_case(domain)
                    || bare
                        .to_ascii_lowercase()
                        .ends_with(&format!(".{}", domain.to_ascii_lowercase()))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_http_one() {
        assert!(parse("http://me:secret@proxy:3128", "a").is_ok());
        assert!(parse("proxy:3128", "a").is_ok());
        for text in [
            "socks5://me:secret@proxy",
            "socks4://proxy",
            "ftp://x",
            "http://",
        ] {
            let error = parse(text, "a").unwrap_err();
            assert_eq!(error.code(), RegistryCode::Proxy, "{text}");
            assert!(!error.to_string().contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_list_excepts_hosts_and_domains() {
        for (list, host) in [
            ("*", "a.example.com"),
            ("example.com", "example.com:5000"),
            ("x, example.com", "a.example.com"),
            (".example.com", "a.example.com"),
            ("*.example.com", "a.Example.com"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert!(is_excepted(list, host), "{list} {host}");
        }
        for (list, host) in [
            ("", "example.com"),
            (",", "example.com"),
            ("example.com", "badexample.com"),
            ("example.com:81", "example.com:80"),
            ("a.example.com", "example.com"),
        ] {
            assert!(!is_excepted(list, host), "{list} {host}");
        }
    }
}
