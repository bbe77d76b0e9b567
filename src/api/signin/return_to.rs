//! Where somebody goes on who signed in: a path of this server and nothing else. What
//! a link says about it was written by anybody.

use http::uri::PathAndQuery;

/// Most characters of a path that is remembered: it has to fit into a cookie.
const MOST: usize = 600;

/// The first page.
const FIRST: &str = "/";

/// The path to go on at; the first page where it is none of this server's.
pub fn path(stated: &str) -> &str {
    let plain =
        stated.len() <= MOST && stated.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
    let own = stated.starts_with('/') && !stated.starts_with("//");
    // Browsers take dots and empty parts out of a path; what is left must not begin as another server's address does.
    let path = stated.split('?').next().unwrap_or_default();
    let dotted = path
        .split('/')
        .skip(1)
        .any(|part| matches!(part.to_ascii_lowercase().as_str(), "." | ".." | "%2e" | "%2e%2e" | ".%2e" | "%2e."));
    let around = ["/sign-in", "/sign-out"].iter().any(|begin| path == *begin || path.starts_with(&format!("{begin}/")));
    if plain && own && !dotted && !path.contains("//") && !around && stated.parse::<PathAndQuery>().is_ok() {
        stated
    } else {
        FIRST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_server_is_gone_to() {
        for stated in
            ["/", "/lists/wanted?area=North&band=HIGH", "/people?ref=A%2F1", "/embed/list/wanted", "/sign-ins"]
        {
            assert_eq!(path(stated), stated);
        }
    }

    #[test]
    fn nobody_is_sent_to_another_server_or_around_in_a_ring() {
        for stated in [
            "",
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            "/\n/evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/%2e//evil.example",
            "/lists//evil.example",
            "javascript:alert(1)",
            "evil.example",
            "@evil.example",
            "/lists#fragment",
            "/lists\r\nSet-Cookie: a=b",
            "/sign-in",
            "/sign-in?return_to=/sign-in",
            "/sign-in/callback?code=1",
            "/sign-out",
            "/h\u{f6}",
        ] {
            assert_eq!(path(stated), "/", "{stated:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(MOST))), "/");
    }
}
