//! From one page of tags to the next.

use url::Url;

/// More pages than any listing has; a registry that sends its reader in circles is not followed for ever.
pub(crate) const MOST_PAGES: usize = 10_000;

/// The address of the next page: the query of the `Link` header on the address that was asked.
///
/// Only the query is taken. Registries behind a path write a path into the link that does not lead back to them
/// (Artifactory leaves out the repository key), and a link to another host would carry the password there.
pub(crate) fn next_page(asked: &Url, link: Option<&str>) -> Option<Url> {
    let target = link?.split(',').find_map(next_target)?;
    let query = target.split_once('?')?.1;
    let mut next = asked.clone();
    next.set_query(Some(query));
    Some(next)
}

/// The target of `<target>; rel="next"`.
fn next_target(entry: &str) -> Option<&str> {
    let (target, parameters) = entry.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|parameter| {
        parameter
            .trim()
            .strip_prefix("rel=")
            .is_some_and(|relation| relation.trim_matches('"').eq_ignore_ascii_case("next"))
    });
    is_next.then_some(target)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn next(link: &str) -> Option<String> {
        let asked = "https://host/artifactory/api/docker/KEY/v2/a/b/tags/list?n=100"
            .parse()
            .unwrap();
        next_page(&asked, Some(link)).map(|url| url.to_string())
    }

    #[test]
    fn only_the_query_of_the_link_is_taken() {
        let expected = "https://host/artifactory/api/docker/KEY/v2/a/b/tags/list?n=100&last=v2";
        for link in [
            "</v2/a/b/tags/list?n=100&last=v2>; rel=\"next\"",
            "<https://elsewhere/v2/a/b/tags/list?n=100&last=v2>; rel=next",
            "<tags/list?n=100&last=v2>; title=\"x\"; rel=\"next\"",
            "</first?n=1>; rel=\"first\", </v2/x?n=100&last=v2>; rel=\"next\"",
        ] {
            assert_eq!(next(link).as_deref(), Some(expected), "{link}");
        }
    }

    #[test]
    fn no_next_page_without_a_link_to_it() {
        for link in [
            "",
            "<x?n=1>",
            "<x?n=1>; rel=\"prev\"",
            "x?n=1; rel=\"next\"",
            "<x>; rel=\"next\"",
        ] {
            assert_eq!(next(link), None, "{link}");
        }
        assert_eq!(next_page(&"https://host/".parse().unwrap(), None), None);
    }
}
