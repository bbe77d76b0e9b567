//! The HTTP edge: every call of the contract in JSON, gRPC-web for pages that others
//! build, and what describes them. Each request becomes the call that gRPC would make
//! and goes through the same gate; nothing here reads a record.

pub mod accept;
pub mod call;
pub mod etag;
pub mod export;
pub mod frames;
pub mod openapi;
pub mod origin;
pub mod problem;
pub mod query;
pub mod shape;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Router, middleware};
use http::{HeaderName, Method, StatusCode, header};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::api::gate::{CORRELATION, ON_BEHALF_OF, PURPOSE};
use crate::api::page::{self, Pages, shell};
use crate::api::signin::{self, Desk, SigningIn};
use crate::config::Http;
use accept::Form;
use call::Calls;
use origin::Origins;
use problem::Refused;

/// That an answer goes on while things happen: none of it may wait to be compressed with what comes later.
#[derive(Clone, Copy, Debug)]
pub struct Live;

/// Everything served over HTTP. `open`: whether callers on this machine need not say who they are. `signing`: where
/// people sign in from a browser.
pub fn router(calls: &Calls, settings: &Http, open: bool, signing: Option<SigningIn>) -> Router {
    let pages = Pages::new(calls.clone(), &settings.frame_ancestors);
    let origins = Origins { others: settings.origins.clone(), open };
    let compression = CompressionLayer::new().gzip(true).br(true).compress_when(
        DefaultPredicate::new()
            // It is compressed already, column by column.
            .and(NotForContentType::const_new(Form::Parquet.media()))
            .and(|_, _, _: &_, extensions: &http::Extensions| extensions.get::<Live>().is_none()),
    );
    let routed = Router::new()
        .route("/v1/{service}/{method}", any(call::call))
        .route("/openapi.json", any(openapi::serve))
        .route(export::DICTIONARY, get(export::described))
        .fallback({
            let pages = pages.clone();
            move |calls: State<Calls>, request: Request| other(calls, pages.clone(), request)
        })
        .with_state(calls.clone())
        .merge(page::router(pages.clone()))
        .layer(compression);
    let routed = match signing {
        Some(signing) => {
            let desk = Desk { signing, pages };
            routed.merge(signin::router(desk.clone())).layer(middleware::from_fn_with_state(desk, signin::ride))
        }
        None => routed,
    };
    let routed = routed.layer(middleware::from_fn_with_state(origins, origin::guard));
    if settings.origins.is_empty() { routed } else { routed.layer(cors(settings)) }
}

/// What pages of the other sites that are named may do.
fn cors(settings: &Http) -> CorsLayer {
    let named = |name: &'static str| HeaderName::from_static(name);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(settings.origins.iter().filter_map(|origin| origin.parse().ok())))
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            named(CORRELATION),
            named(ON_BEHALF_OF),
            named(PURPOSE),
            named("connect-protocol-version"),
            named("grpc-timeout"),
            named("last-event-id"),
            named("x-grpc-web"),
            named("x-user-agent"),
        ])
        .expose_headers([
            header::ETAG,
            header::RETRY_AFTER,
            named(CORRELATION),
            named("grpc-message"),
            named("grpc-status"),
            named("grpc-status-details-bin"),
        ])
        .max_age(std::time::Duration::from_hours(1))
}

/// gRPC-web, by the paths that gRPC has; nothing else is there, which whoever reads in a browser is told on a page.
async fn other(State(calls): State<Calls>, pages: Pages, request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/steelyard.v1.") || path.starts_with("/grpc.") {
        let web = GrpcWebLayer::new().layer(calls.gated());
        let Ok(answer) = web.oneshot(request.map(Body::new)).await;
        return answer.map(axum::body::Body::new);
    }
    let accepted = request.headers().get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if !path.starts_with("/v1/") && accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        return shell::missing(&pages);
    }
    let problem = "there is nothing here: / has the pages, and /openapi.json the calls";
    Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", problem).into_response()
}
