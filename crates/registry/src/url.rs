// SPDX-License-Identifier: Apache-2.0
//! Addresses that a registry names, absolute or relative.

pub use ureq::http::Uri;

/// Resolves `location`, absolute or relative (RFC 3986 section 4.2), against `base`; `None` if it
/// is no address.
pub fn resolve(base: &Uri, location: &str) -> Option<Uri> {
    let text = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{}://{rest}", base.scheme_str()?)
    } else {
        let origin = format!("{}://{}", base.scheme_str()?, base.authority()?);
        if location.starts_with('/') {
            format!("{origin}{location}")
        } else if location.starts_with('?') {
            format!("{origin}{}{location}", base.path())
        } else {
            let folder = base
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            format!("{origin}{folder}/{location}")
        }
    };
    // A fragment is not part of a request.
    let text = text.split('#').next()?;
    let uri: Uri = text.parse().ok()?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    (has_host && matches!(uri.scheme_str(), Some("http" | "https"))).then_some(uri)
}

/// True where both addresses have the same scheme, host and port.
pub fn same_origin(one: &Uri, other: &Uri) -> bool {
    let origin = |uri: &Uri| {
        let https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        (https, uri.host().map(str::to_ascii_lowercase), port)
    };
    origin(one) == origin(other)
}

/// Address with one more parameter, whose name and value need no escapes.
pub fn with_query(uri: &Uri, name: &str, value: &str) -> String {
    let separator = if uri.query().is_some() { '&' } else { '?' };
    format!("{uri}{separator}{name}={value}")
}

/// Address without the parts that may hold a secret.
pub fn without_query(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!(
        "{}://{host}{}",
        uri.scheme_str().unwrap_or_default(),
        uri.path()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn locations_are_absolute_or_relative() {
        let base = uri("https://a:5/v2/x/blobs/uploads/?n=1");
        for (location, whole) in [
            ("http://b/c?d", "http://b/c?d"),
            ("//b/c", "https://b/c"),
            ("/v2/y#z", "https://a:5/v2/y"),
            ("y?z", "https://a:5/v2/x/blobs/uploads/y?z"),
            ("?z", "https://a:5/v2/x/blobs/uploads/?z"),
        ] {
            assert_eq!(resolve(&base, location), Some(uri(whole)), "{location}");
        }
        for bad in [
            "ftp://b/c",
            "https://",
            "http://a b/",
            "file:///etc/passwd",
            // A user of no host.
            "//[:@:1]:",
        ] {
            assert_eq!(resolve(&base, bad), None, "{bad}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(same_origin(&uri("https://a/x"), &uri("https://A:443/y")));
        for other in ["http://a/x", "https://a:444/x", "https://b/x"] {
            assert!(!same_origin(&uri("https://a/x"), &uri(other)), "{other}");
        }
    }

    #[test]
    fn a_parameter_follows_those_that_are_there() {
        assert_eq!(
            with_query(&uri("http://a/u"), "digest", "d"),
            "http://a/u?digest=d"
        );
        assert_eq!(
            with_query(&uri("http://a/u?s=1"), "digest", "d"),
            "http://a/u?s=1&digest=d"
        );
    }
}
