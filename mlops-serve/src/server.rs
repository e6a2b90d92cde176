//! A listener for the protocol's routes.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use mlops_core::{Error, ErrorKind, Result};
use tokio::net::TcpListener;

/// A bound socket that serves routes until it is told to stop.
///
/// ```
/// use mlops_serve::{Server, Service, v2_router};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mlops_core::Result<()> {
/// let server = Server::bind("127.0.0.1:0").await?;
/// println!("listening on {}", server.address());
/// let stop = async {}; // such as tokio::signal::ctrl_c()
/// server.serve(v2_router(Service::builder().build()), stop).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds an address such as `127.0.0.1:8080`; port 0 takes a free one.
    ///
    /// # Errors
    /// `Unavailable` or `PermissionDenied` if the address cannot be bound, with the address.
    pub async fn bind(address: &str) -> Result<Self> {
        let fail = |e: std::io::Error| {
            let kind = match e.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                std::io::ErrorKind::InvalidInput => ErrorKind::InvalidArgument,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, e.to_string())
                .operation("bind")
                .context("address", address)
                .source(e)
        };
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self { listener, address })
    }

    /// The address that is bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes; requests under way are finished first.
    ///
    /// # Errors
    /// `Internal` if the listener fails.
    pub async fn serve(
        self,
        routes: Router,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        tracing::info!(address = %self.address, "serving");
        use axum::serve::ListenerExt as _;
        // Small answers must not wait for the peer's acknowledgement of the last one.
        let listener = self.listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
        });
        axum::serve(listener, routes)
            .with_graceful_shutdown(stop)
            .await
            .map_err(|e| Error::new(ErrorKind::Internal, "the listener failed").source(e))
    }
}
