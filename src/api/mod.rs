//! Stand-in.
use std::future::Future;
/// Stand-in.
pub async fn run(
    settings: &crate::config::Settings,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let _ = settings;
    tracing::info!(grpc.address = %listener.local_addr()?, ledger.revision = 0_u64, "ready");
    shutdown.await;
    Ok(())
}
