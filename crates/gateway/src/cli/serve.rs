//! `secondwind serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::auth::MasterKey;
use crate::checkups::Checking;
use crate::config::{self, Config, Secret};
use crate::live::Live;
use crate::reload::Reload;
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
    let mut files = Vec::new();
    let variable = |name: &str| std::env::var(name).ok();
    let loaded = match config::load_noting(&args.config, &variable, &mut files) {
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
        let checking = Checking::of(&config, &router);
        let app = App {
            master_key,
            allow_mock_testing: config.allow_mock_testing,
            passthrough: config.passthrough.clone(),
            ..App::new(router, BODY_BYTES)
        };
        let live = Live::from(Arc::new(app));
        let exposed = !args.listen.ip().is_loopback();
        let reload = Reload::new(args.config.clone(), live.clone(), files, exposed, checking);
        serve(args.listen, &config, live, reload).await
    })
}

async fn serve(listen: SocketAddr, config: &Config, live: Live, reload: Reload) -> ExitCode {
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) => return failed(&format!("error: cannot listen on {listen}: {error}")),
    };
    let reloading = tokio::spawn(reload.follow());
    let address = listener.local_addr().unwrap_or(listen);
    let names: Vec<&str> = config.listed().map(|group| group.name.as_str()).collect();
    // Whoever waits for this line waits at the other end of a pipe; if it is gone, so be it.
    let _ = writeln!(
        std::io::stdout(),
        "secondwind: listening on http://{address}/v1, models: {}",
        names.join(", ")
    );
    let served = server::serve(listener, edge::service(live), server::asked_to_stop()).await;
    reloading.abort();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("error: {error}")),
    }
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}
