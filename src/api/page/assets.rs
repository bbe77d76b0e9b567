//! Style, script and icon of the pages, in the program itself. Their address holds
//! their digest, so that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// One file.
struct Asset {
    name: &'static str,
    media: &'static str,
    bytes: &'static [u8],
    path: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |name: &'static str, media, bytes: &'static [u8]| {
        let digest = blake3::hash(bytes).to_hex();
        let (stem, ending) = name.rsplit_once('.').expect("a file must have an ending");
        Asset { name, media, bytes, path: format!("{stem}.{}.{ending}", &digest[..12]) }
    };
    vec![
        asset("steelyard.css", "text/css; charset=utf-8", include_bytes!("assets/steelyard.css")),
        asset("steelyard.js", "text/javascript; charset=utf-8", include_bytes!("assets/steelyard.js")),
        asset("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
    ]
});

/// Where a file is.
pub fn path(name: &str) -> String {
    let asset = ASSETS.iter().find(|asset| asset.name == name).expect("a page must name files that there are");
    format!("/assets/{}", asset.path)
}

/// A file.
pub async fn file(Path(path): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.path == path) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            asset.bytes,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What a first visit loads besides the page itself, each file compressed for itself.
    #[test]
    fn everything_that_a_page_loads_is_small() {
        let total: usize = ASSETS
            .iter()
            .map(|asset| {
                let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
                encoder.write_all(asset.bytes).unwrap();
                encoder.finish().unwrap().len()
            })
            .sum();
        assert!(total < 60_000, "{total} bytes");
    }
}
