//! Runs the server: settles the settings, binds the port, serves until told to stop,
//! then lets calls in flight end, but not for ever.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::exit::{Exit, Failure};
use crate::api::{self, Listeners};
use crate::config::{self, Flags, Home, Settings};
use crate::telemetry;

/// How long after the grace, in which calls in flight may end, the store may take to be left in order.
const LAST_RESORT: Duration = Duration::from_secs(30);

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: Flags,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// The settings are wrong, the port cannot be bound, or the server fails.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let settings = config::load(&args.settings)?;
    telemetry::start(&settings.log)?;
    // Before anything is opened, so that a signal during a long start is not lost.
    let stop = stop_signal()?;
    let grpc = bind(settings.grpc.listen).await?;
    let http = match settings.http.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let health = match settings.health.listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    info!(
        version = env!("CARGO_PKG_VERSION"),
        grpc.address = %grpc.local_addr()?,
        health.address = %health.as_ref().map_or_else(|| Ok("off".to_owned()), |it| it.local_addr().map(|it| it.to_string()))?,
        store.home = %home(&settings),
        store.cache_bytes = settings.store.cache_bytes,
        "starting"
    );
    let exit = serve(&settings, Listeners { grpc, http, health }, stop).await?;
    info!("stopped");
    Ok(exit.into())
}

fn home(settings: &Settings) -> String {
    match &settings.store.home {
        Home::Memory => "memory".to_owned(),
        Home::Directory(path) => path.display().to_string(),
    }
}

/// Binds the port, or says in words why it cannot.
///
/// # Errors
/// Somebody else listens there, or the port is not this user's to bind.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let (exit, problem) = match error.kind() {
            io::ErrorKind::AddrInUse => (Exit::Unavailable, "somebody else listens there already".to_owned()),
            io::ErrorKind::PermissionDenied => (Exit::NotPermitted, "this user may not bind that port".to_owned()),
            _ => (Exit::InputOutput, error.to_string()),
        };
        Failure::new(exit, format!("cannot listen at {address}: {problem}")).into()
    })
}

/// Serves on `listeners` until `stop`, then for at most the settings' grace.
///
/// # Errors
/// The server fails.
pub async fn serve(settings: &Settings, listeners: Listeners, stop: impl Future<Output = ()>) -> anyhow::Result<Exit> {
    let (tell, told) = oneshot::channel::<()>();
    let shutdown = async {
        // A sender dropped without a word means the same: nobody is left to serve for.
        let _ = told.await;
    };
    bounded(api::run(settings, listeners, shutdown), stop, tell, settings.shutdown.grace + LAST_RESORT).await
}

async fn bounded(
    server: impl Future<Output = anyhow::Result<()>>,
    stop: impl Future<Output = ()>,
    tell: oneshot::Sender<()>,
    grace: Duration,
) -> anyhow::Result<Exit> {
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended.map(|()| Exit::Done),
        () = stop => {}
    }
    info!(shutdown.bound_seconds = grace.as_secs(), "stopping: calls in flight may end");
    let _ = tell.send(());
    if let Ok(ended) = tokio::time::timeout(grace, server).await {
        return ended.map(|()| Exit::Done);
    }
    warn!(shutdown.bound_seconds = grace.as_secs(), "the server had not left the store in order in time");
    Ok(Exit::Internal)
}

/// Listens for SIGTERM and SIGINT from now on; the future ends at the first.
///
/// # Errors
/// The system does not let signals be heard.
#[cfg(unix)]
pub fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Listens for Ctrl-C.
///
/// # Errors
/// None: where Ctrl-C cannot be heard the server runs until it is ended from outside.
#[cfg(not(unix))]
pub fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_server_that_ends_when_told_ends_well() {
        let (tell, told) = oneshot::channel();
        let server = async {
            told.await?;
            Ok(())
        };
        let exit = bounded(server, ready(()), tell, Duration::from_mins(1)).await.unwrap();
        assert_eq!(exit, Exit::Done);
    }

    #[tokio::test]
    async fn a_server_that_does_not_end_is_left_when_the_grace_is_over() {
        let (tell, told) = oneshot::channel();
        let exit = bounded(pending(), ready(()), tell, Duration::ZERO).await.unwrap();
        assert_eq!(exit, Exit::Internal);
        told.await.expect("it must have been told to stop first");
    }

    #[tokio::test]
    async fn a_server_that_fails_does_not_wait_for_a_signal() {
        let (tell, _told) = oneshot::channel();
        let server = ready(Err(anyhow::anyhow!("disk is gone")));
        let error = bounded(server, pending(), tell, Duration::from_mins(1)).await.unwrap_err();
        assert_eq!(error.to_string(), "disk is gone");
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_as_such() {
        let held = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = bind(held.local_addr().unwrap()).await.unwrap_err();
        assert!(error.to_string().ends_with("somebody else listens there already"), "{error}");
        assert_eq!(super::super::exit::of(&error), Exit::Unavailable);
    }
}
