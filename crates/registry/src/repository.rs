// SPDX-License-Identifier: Apache-2.0
//! Repository of a registry, over the OCI distribution API 1.1.

mod download;

use std::io::Read;
use std::sync::{Mutex, OnceLock};

use ocre_oci::json::{self, Elements};
use ocre_oci::write;
use ocre_oci::{INDEX_MEDIA_TYPE, Index, Sha256};
use ureq::BodyReader;
use ureq::http::header::{self, HeaderName};
use ureq::http::{Method, StatusCode, Uri};

use self::download::Download;
use crate::auth::RegistrySession;
use crate::blob::Blob;
use crate::client::{Client, Payload, RegistryResponse, Request, Retries, parse, read_body};
use crate::error::{Error, RegistryCode};
use crate::name::{ImageName, Which};
use crate::referrer::Referrer;
use crate::transfer::{
    ACCEPTED, ContentOpener, ContentReader, ImageDocument, MAX_DOCUMENT, Role, Sink, Source,
    document_caps, referrer_descriptor, subject, verified,
};
use crate::url::with_query;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// Most pages of a list of referrers.
const MAX_PAGES: usize = 100;

/// Actions planned in a repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Reads only.
    Pull,
    /// Reads and writes.
    Push,
}

/// A repository, and an image in it.
pub struct Repository<'c> {
    client: &'c Client,
    name: ImageName,
    base: String,
    session: RegistrySession,
    /// Held during a change of the tag that stands in for a list of referrers.
    referrers: Mutex<()>,
    /// True where the registry has the API for referrers, by its first answer.
    has_lists: OnceLock<bool>,
}

impl<'c> Repository<'c> {
    /// `beside` is another repository of the same registry, for blobs to be mounted from.
    ///
    /// # Errors
    /// `registry-tls`: see [`Client::scheme`].
    pub fn new(
        client: &'c Client,
        name: &ImageName,
        access: Access,
        beside: Option<&ImageName>,
    ) -> Result<Self, Error> {
        let scheme = client.scheme(name.address())?;
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        let mut scopes = vec![format!("repository:{}:{actions}", name.repository())];
        scopes.extend(
            beside
                .filter(|beside| {
                    beside.host() == name.host() && beside.repository() != name.repository()
                })
                .map(|beside| format!("repository:{}:pull", beside.repository())),
        );
        let base = format!("{scheme}://{}/v2/{}", name.address(), name.repository());
        Ok(Self {
            client,
            name: name.clone(),
            session: RegistrySession::new(name, parse(&base)?, scopes),
            base,
            referrers: Mutex::new(()),
            has_lists: OnceLock::new(),
        })
    }

    /// Name of the repository and the image.
    pub fn name(&self) -> &ImageName {
        &self.name
    }

    pub(crate) fn client(&self) -> &Client {
        self.client
    }

    fn send(
        &self,
        method: Method,
        uri: Uri,
        headers: Vec<(HeaderName, String)>,
        payload: Payload<'_>,
    ) -> Result<RegistryResponse, Error> {
        let again = !matches!(payload, Payload::Stream(..));
        self.session.send(
            self.client,
            &Request {
                method,
                uri,
                headers,
                payload,
                again,
            },
        )
    }

    /// Resolves an address that the registry names at `from`, absolute or relative.
    fn named(&self, from: &Uri, address: &str) -> Result<Uri, Error> {
        self.client
            .rule(self.session.origin())
            .follow(from, address)
    }

    fn uri(&self, path: &str) -> Result<Uri, Error> {
        parse(&format!("{}/{path}", self.base))
    }

    /// Gets a manifest or index by tag or digest; `None` if there is none.
    fn get(&self, which: &dyn std::fmt::Display) -> Result<Option<ImageDocument>, Error> {
        let uri = self.uri(&format!("manifests/{which}"))?;
        let accept = vec![(header::ACCEPT, ACCEPTED.join(", "))];
        let mut answer = self.send(Method::GET, uri, accept, Payload::None)?;
        if answer.response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let said = answer.header(header::CONTENT_TYPE).map(media_type);
        let digest = answer.header(CONTENT_DIGEST).map(str::parse::<Sha256>);
        let at = format!("{}/{which}", self.name.host());
        let bytes = read_body(self.client, answer.response.body_mut(), MAX_DOCUMENT, &at)?;
        let own = own_media_type(&bytes).map_err(|error| Error::of_document(error, &bytes, &at))?;
        // The digest vouches for the document's own media type.
        let media_type = own.or(said).unwrap_or_default();
        let document = ImageDocument::new(media_type, bytes);
        match digest {
            Some(Ok(digest)) if digest != document.digest => {
                let detail = format!("it is {}", document.digest);
                Err(Error::new(RegistryCode::DigestMismatch, digest).because(detail))
            }
            _ => Ok(Some(document)),
        }
    }

    /// Opens a blob from a number of bytes on.
    pub(crate) fn range(&self, blob: &Blob, from: u64) -> Result<BodyReader<'static>, Error> {
        let uri = self.uri(&format!("blobs/{}", blob.digest))?;
        let mut headers = Vec::new();
        if from > 0 {
            headers.push((header::RANGE, format!("bytes={from}-")));
        }
        let answer = self.send(Method::GET, uri, headers, Payload::None)?;
        match answer.response.status() {
            StatusCode::NOT_FOUND => {
                return Err(
                    Error::new(RegistryCode::BlobMissing, blob.digest).because(self.name.host())
                );
            }
            StatusCode::PARTIAL_CONTENT if from > 0 => {
                let start = answer.header(header::CONTENT_RANGE).and_then(range_start);
                if start != Some(from) {
                    let detail = "it sends another part than was asked for";
                    return Err(
                        Error::new(RegistryCode::Protocol, self.name.host()).because(detail)
                    );
                }
                return Ok(answer.response.into_body().into_reader());
            }
            _ => {}
        }
        // The registry sends the whole blob: skip the bytes that are here already.
        let mut reader = answer.response.into_body().into_reader();
        let skipped = std::io::copy(&mut (&mut reader).take(from), &mut std::io::sink())
            .map_err(|error| self.client.failure(error.into(), self.name.host()))?;
        if skipped == from {
            Ok(reader)
        } else {
            Err(Error::new(RegistryCode::Truncated, blob.digest).because("while it is passed over"))
        }
    }

    /// Begins an upload; `None` where the registry has the blob now without one.
    fn begin_upload(&self, blob: &Blob, from: Option<&str>) -> Result<Option<Uri>, Error> {
        let path = match from {
            Some(from) => format!("blobs/uploads/?mount={}&from={from}", blob.digest),
            None => "blobs/uploads/".to_owned(),
        };
        let answer = self.send(
            Method::POST,
            self.uri(&path)?,
            Vec::new(),
            Payload::Bytes(&[]),
        )?;
        match answer.response.status() {
            StatusCode::CREATED if from.is_some() => Ok(None),
            StatusCode::NOT_FOUND => Err(self.not_found()),
            _ => {
                let location = answer.header(header::LOCATION).ok_or_else(|| {
                    let detail = "it does not say where to upload to";
                    Error::new(RegistryCode::Protocol, self.name.host()).because(detail)
                })?;
                self.named(&answer.uri, location).map(Some)
            }
        }
    }

    fn not_found(&self) -> Error {
        Error::new(RegistryCode::NotFound, &self.name)
    }

    /// Uploads a blob as a whole, in one request.
    fn upload(&self, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error> {
        let Some(location) = self.begin_upload(blob, None)? else {
            return Ok(());
        };
        let uri = parse(&with_query(&location, "digest", &blob.digest.to_string()))?;
        let headers = vec![(header::CONTENT_TYPE, "application/octet-stream".to_owned())];
        let open = || verified(blob, open);
        let payload = Payload::Stream(blob.size, &open);
        let answer = self.send(Method::PUT, uri, headers, payload)?;
        if answer.response.status() == StatusCode::NOT_FOUND {
            return Err(self.not_found());
        }
        Ok(())
    }

    /// Adds a referrer to the list that registries without the API for referrers keep under a tag
    /// (distribution specification, "Referrers Tag Schema").
    fn list_referrer(&self, subject: &Sha256, referrer: &ImageDocument) -> Result<(), Error> {
        let _one_at_a_time = self.referrers.lock();
        let tag = referrers_tag(subject);
        let listed = self.get(&tag)?;
        let mut text = String::new();
        let entry = referrer_descriptor(referrer)?;
        let entry = parsed(entry.as_bytes(), &tag)?;
        let old = match &listed {
            Some(listed) => Elements::of(listed.parse()?.get("manifests")),
            None => Elements::of(None),
        };
        let is_it = |entry: &json::Value<'_>| {
            let digest = entry.get("digest").and_then(|digest| digest.text().ok());
            digest.is_some_and(|digest| digest.to_string() == referrer.digest.to_string())
        };
        // Writing to a String does not fail.
        let _ = write::index(&mut text, |out| {
            old.filter(|entry| !is_it(entry))
                .try_for_each(|old| out.copy(old))?;
            out.copy(entry)
        });
        self.put_as(
            &ImageDocument::new(INDEX_MEDIA_TYPE.to_owned(), text.into_bytes()),
            &tag,
        )?;
        Ok(())
    }

    /// Stores a document under a tag or its digest.
    fn put_as(
        &self,
        document: &ImageDocument,
        which: &dyn std::fmt::Display,
    ) -> Result<RegistryResponse, Error> {
        let uri = self.uri(&format!("manifests/{which}"))?;
        let headers = vec![(header::CONTENT_TYPE, document.media_type.clone())];
        let answer = self.send(Method::PUT, uri, headers, Payload::Bytes(&document.bytes))?;
        if answer.response.status() == StatusCode::NOT_FOUND {
            return Err(self.not_found());
        }
        match answer.header(CONTENT_DIGEST).map(str::parse::<Sha256>) {
            Some(Ok(digest)) if digest != document.digest => {
                let detail = format!("the registry has made {digest} of it");
                Err(Error::new(RegistryCode::DigestMismatch, document.digest).because(detail))
            }
            _ => Ok(answer),
        }
    }

    /// Gets a list of referrers, page by page.
    fn list(&self, subject: &Sha256) -> Result<Option<Vec<ImageDocument>>, Error> {
        let mut uri = self.uri(&format!("referrers/{subject}"))?;
        let mut pages = Vec::new();
        loop {
            let accept = vec![(header::ACCEPT, INDEX_MEDIA_TYPE.to_owned())];
            let mut answer = match self.send(Method::GET, uri, accept, Payload::None) {
                // The registry does not know the API for referrers.
                Err(error) if pages.is_empty() && error.code() == RegistryCode::Refused => {
                    return Ok(None);
                }
                sent => sent?,
            };
            let type_ = answer.header(header::CONTENT_TYPE).map(media_type);
            if answer.response.status() == StatusCode::NOT_FOUND
                || type_.as_deref() != Some(INDEX_MEDIA_TYPE)
            {
                return Ok(None);
            }
            let next = answer.header(header::LINK).and_then(next_page);
            let next = next.map(|next| self.named(&answer.uri, next)).transpose()?;
            let host = self.name.host();
            let body = answer.response.body_mut();
            let bytes = read_body(self.client, body, MAX_DOCUMENT, host)?;
            pages.push(ImageDocument::new(INDEX_MEDIA_TYPE.to_owned(), bytes));
            match next {
                Some(next) if pages.len() < MAX_PAGES => uri = next,
                _ => return Ok(Some(pages)),
            }
        }
    }
}

impl Source for Repository<'_> {
    fn root(&self) -> Result<ImageDocument, Error> {
        let found = self
            .get(self.name.which())?
            .ok_or_else(|| self.not_found())?;
        match self.name.which() {
            Which::Digest(wanted) if *wanted != found.digest => {
                let detail = format!("it is {}", found.digest);
                Err(Error::new(RegistryCode::DigestMismatch, wanted).because(detail))
            }
            _ => Ok(found),
        }
    }

    fn document(&self, media_type: &str, content: &Blob) -> Result<ImageDocument, Error> {
        let found = self.get(&content.digest)?;
        let mut found =
            found.ok_or_else(|| Error::new(RegistryCode::BlobMissing, content.digest))?;
        media_type.clone_into(&mut found.media_type);
        Ok(found)
    }

    fn open(&self, blob: &Blob, from: u64) -> Result<ContentReader<'_>, Error> {
        Ok(Box::new(Download::start(self, blob, from)?))
    }

    fn referrers(&self, subject: &Sha256) -> Result<Vec<Referrer>, Error> {
        let listed = match self.has_lists.get() {
            Some(false) => None,
            _ => self.list(subject)?,
        };
        self.has_lists.get_or_init(|| listed.is_some());
        let pages = match listed {
            Some(pages) => pages,
            None => self.get(&referrers_tag(subject))?.into_iter().collect(),
        };
        let mut found = Vec::new();
        for page in &pages {
            let wrong = |error| Error::of_document(error, &page.bytes, page.digest);
            let index = Index::parse(page.parse()?).map_err(wrong)?;
            for entry in index.manifests() {
                found.extend(Referrer::of_entry(&entry).map_err(wrong)?);
            }
        }
        Ok(found)
    }

    fn repository(&self) -> Option<(&str, &str)> {
        Some((self.name.host(), self.name.repository()))
    }
}

impl Sink for Repository<'_> {
    fn has(&self, blob: &Blob, from: Option<(&str, &str)>) -> Result<bool, Error> {
        let uri = self.uri(&format!("blobs/{}", blob.digest))?;
        let answer = self.send(Method::HEAD, uri, Vec::new(), Payload::None)?;
        if answer.response.status() != StatusCode::NOT_FOUND {
            return Ok(true);
        }
        match from {
            Some((host, repository))
                if host == self.name.host() && repository != self.name.repository() =>
            {
                Ok(self.begin_upload(blob, Some(repository))?.is_none())
            }
            _ => Ok(false),
        }
    }

    fn put(&self, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error> {
        // A broken upload starts anew, as its position is unknown.
        let mut retries = Retries::new(self.client.settings());
        loop {
            match self.upload(blob, open) {
                Ok(()) => return Ok(()),
                Err(error) => retries.wait(error, None)?,
            }
        }
    }

    fn put_document(&self, document: &ImageDocument, role: Role) -> Result<(), Error> {
        let answer = match (role, self.name.which()) {
            (Role::Root, Which::Tag(tag)) => self.put_as(document, tag)?,
            (Role::Root, Which::Digest(digest)) if *digest != document.digest => {
                let detail = format!("the image is {}", document.digest);
                return Err(Error::new(RegistryCode::DigestMismatch, digest).because(detail));
            }
            _ => self.put_as(document, &document.digest)?,
        };
        match subject(document)? {
            Some(subject) if answer.header(OCI_SUBJECT).is_none() => {
                self.list_referrer(&subject, document)
            }
            _ => Ok(()),
        }
    }
}

fn parsed<'a>(bytes: &'a [u8], at: &str) -> Result<json::Value<'a>, Error> {
    json::parse(bytes, &document_caps()).map_err(|error| Error::of_document(error, bytes, at))
}

/// Member `mediaType` of a document, if there is one.
fn own_media_type(bytes: &[u8]) -> Result<Option<String>, ocre_oci::Error> {
    let root = json::parse(bytes, &document_caps())?;
    let Some(own) = root.expect(json::Kind::Object)?.get("mediaType") else {
        return Ok(None);
    };
    Ok(Some(own.text()?.to_string()))
}

/// Media type in a header, without its parameters.
fn media_type(header: &str) -> String {
    header
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// First position in `bytes 5-9/10`.
fn range_start(header: &str) -> Option<u64> {
    header
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .trim()
        .parse()
        .ok()
}

/// Tag of the list of referrers.
fn referrers_tag(subject: &Sha256) -> String {
    format!("sha256-{}", subject.hex())
}

/// Address in a header such as `</v2/…?n=2>; rel="next"`.
fn next_page(header: &str) -> Option<&str> {
    let links = header.split(',').filter_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| {
            let parameter: String = parameter.split_whitespace().collect();
            parameter == r#"rel="next""# || parameter == "rel=next"
        };
        parameters.split(';').any(is_next).then_some(address)
    });
    links.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next() {
        assert_eq!(next_page(r#"</v2/a?n=2>; rel="next""#), Some("/v2/a?n=2"));
        assert_eq!(next_page(r#"</a>; rel="prev", </b>; rel=next"#), Some("/b"));
        for none in ["", "</a>", "a", r#"</a>; rel="prev""#] {
            assert_eq!(next_page(none), None, "{none}");
        }
    }

    #[test]
    fn a_range_has_a_start() {
        assert_eq!(range_start("bytes 5-9/10"), Some(5));
        for none in ["", "bytes */10", "5-9", "bytes -"] {
            assert_eq!(range_start(none), None, "{none}");
        }
    }

    #[test]
    fn a_header_may_have_parameters() {
        assert_eq!(media_type("a/b; charset=utf-8"), "a/b");
    }
}
