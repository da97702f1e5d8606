//! `secondwind serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use secondwind_router::Router;
use tokio::net::TcpListener;

use crate::auth::MasterKey;
use crate::config::{self, Config, Secret};
use crate::routes::App;
use crate::{edge, server, setup};

/// How large a request's body may be: prompts with pictures are large.
const BODY_BYTES: usize = 100 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration: a LiteLLM `config.yaml`.
    #[arg(long, short, value_name = "FILE", env = "CONFIG_FILE_PATH")]
    config: PathBuf,
    /// Where to listen. Beyond loopback only with a `master_key`.
    #[arg(long, short, value_name = "ADDRESS", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let loaded = match config::load(&args.config, &|name| std::env::var(name).ok()) {
        Ok(loaded) => loaded,
        Err(findings) => return failed(&findings),
    };
    for warning in &loaded.warnings {
        eprintln!("{warning}");
    }
    let config = loaded.config;
    let master_key = config.master_key.as_ref().map(Secret::expose).and_then(MasterKey::new);
    if master_key.is_none() && !args.listen.ip().is_loopback() {
        return failed(&format!(
            "error: {} can be reached from other machines, and there is no `master_key`\n  \
             = help: set general_settings.master_key, or listen on 127.0.0.1",
            args.listen
        ));
    }
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("error: cannot start a runtime: {error}")),
    };
    runtime.block_on(async {
        // Within the runtime: what rests, rests by its clock.
        let router = match setup::router(&config) {
            Ok(router) => router,
            Err(error) => return failed(&format!("error: {error}")),
        };
        serve(args.listen, &config, router, master_key).await
    })
}

async fn serve(
    listen: SocketAddr,
    config: &Config,
    router: Router,
    master_key: Option<MasterKey>,
) -> ExitCode {
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) => return failed(&format!("error: cannot listen on {listen}: {error}")),
    };
    let app = Arc::new(App { router, master_key, max_body_bytes: BODY_BYTES });
    let address = listener.local_addr().unwrap_or(listen);
    let names: Vec<&str> = config.groups.iter().map(|group| group.name.as_str()).collect();
    // Whoever waits for this line waits at the other end of a pipe; if it is gone, so be it.
    let _ = writeln!(
        std::io::stdout(),
        "secondwind: listening on http://{address}/v1, models: {}",
        names.join(", ")
    );
    match server::serve(listener, edge::service(app), server::asked_to_stop()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("error: {error}")),
    }
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}
